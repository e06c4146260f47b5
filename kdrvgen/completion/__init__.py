"""Scripts that complete the words of a command line in a shell."""
