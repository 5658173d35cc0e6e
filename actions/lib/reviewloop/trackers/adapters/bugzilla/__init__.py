"""Bugzilla, in two modules: how its REST interface speaks, and the tracker."""
