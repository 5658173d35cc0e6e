"""Request Tracker: its settings, the queue, and the tracker."""
