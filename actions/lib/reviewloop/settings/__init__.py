"""The pack's configuration, read into frozen values; every problem is reported at once."""
