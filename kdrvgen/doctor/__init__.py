"""What a host lacks for a driver project: `checkup` asks, `telling` says, `mending` repairs."""
