"""Reads and verifies the Authenticode signatures of a PE file."""
