"""What the generated files say, and what real tools make of them."""
