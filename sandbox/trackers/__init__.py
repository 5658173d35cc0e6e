"""Trackers that run for real on the loopback interface."""
