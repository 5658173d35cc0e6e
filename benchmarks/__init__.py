"""What things cost, in counts, and in ratios measured in one run."""
