"""Turns, waits and escalations read out of Gerrit review histories."""
