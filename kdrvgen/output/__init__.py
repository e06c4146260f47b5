"""Write texts to files: plan the changes, and apply them without losing anything."""
