//! Finds the WDK.
