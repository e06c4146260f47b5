"""Reads PE files: headers, sections, imports, exports and the attribute certificate table."""
