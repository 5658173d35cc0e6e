"""Launchpad, in two modules: how its web service speaks, and the tracker."""
