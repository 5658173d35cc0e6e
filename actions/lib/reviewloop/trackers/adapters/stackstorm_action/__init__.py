"""Any tracker that a StackStorm action can reach."""
