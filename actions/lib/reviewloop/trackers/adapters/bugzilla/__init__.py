"""Bugzilla: its settings, how its REST interface speaks, its bugs, and the tracker."""
