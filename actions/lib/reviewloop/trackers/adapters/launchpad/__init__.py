"""Launchpad: its settings, how its web service speaks, its bugs, and the tracker."""
