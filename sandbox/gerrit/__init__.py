"""A real Gerrit server with a settable clock, a request log and faults, for tests and the demo."""
