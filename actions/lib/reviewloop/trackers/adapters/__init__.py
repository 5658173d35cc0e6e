"""One module a tracker; a folder where it needs more."""
