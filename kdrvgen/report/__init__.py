"""What kdrvgen finds: one type for all commands, one renderer for each format."""
