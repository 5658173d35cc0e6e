"""GitLab: its settings, its people, its quick actions, and the tracker."""
