"""Driver packages: `inf` reads INF files, `rules` checks them, `catalog` covers them."""
