"""Reads the files of a project: which there are, and what they contain."""
