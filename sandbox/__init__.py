"""What development, tests and the demo share, and production never needs."""
