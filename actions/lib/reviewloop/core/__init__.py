"""The pure heart: no clock, no network, no StackStorm; time is always an argument."""
