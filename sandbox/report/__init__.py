"""Reports looked at in a real browser, and histories made up to show them."""
