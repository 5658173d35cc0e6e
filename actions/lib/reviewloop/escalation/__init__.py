"""Whether to act on an event, and whom to ask."""
