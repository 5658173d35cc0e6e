"""Request Tracker, in two modules: its settings, and the tracker."""
