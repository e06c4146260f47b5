"""Checks the folder of a package: the files, the catalog, the signatures."""
