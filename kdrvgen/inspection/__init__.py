"""What a driver image is, read without Windows, and what Windows would object to in it."""
