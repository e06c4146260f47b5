"""Catalogs: the digests of the files of a package, as Microsoft's inf2cat writes them."""
