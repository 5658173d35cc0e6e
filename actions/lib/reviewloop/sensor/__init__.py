"""The sensor's work: what moved, what is due, what to dispatch."""
