"""What holds for all tests."""

from __future__ import annotations

from hypothesis import settings

# How long one example takes depends on what else the machine does: that is measured, not asserted.
settings.register_profile("kdrvgen", deadline=None)
settings.load_profile("kdrvgen")
