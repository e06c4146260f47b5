"""From texts to files: what a run would change, and changing it without losing anything."""
