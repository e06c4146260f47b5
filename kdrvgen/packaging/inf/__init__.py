"""INF files: their encodings, their syntax, the stamp, and those that kdrvgen generates."""
