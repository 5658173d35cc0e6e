"""Turns, waits and escalations read out of Gerrit review histories."""

__version__ = "0.1.0"
