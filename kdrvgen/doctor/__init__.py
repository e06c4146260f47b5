"""Checks whether this machine has everything that a driver project needs."""
