"""Driver packages: `inf` reads and stamps INF files, `rules` checks them."""
