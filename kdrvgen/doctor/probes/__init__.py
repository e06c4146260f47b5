"""The probes: each checks one subject on a host and yields findings."""
