"""The loop without StackStorm and without writing: what it would have done, and does next."""
