"""What the pack remembers in StackStorm's datastore."""
