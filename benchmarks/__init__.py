"""Benchmarks of the source checkout: speed and quality beside peers, in one run."""
