"""Checks a driver image without Windows: `pe` and `signature` read it, `checks` has the rules."""
