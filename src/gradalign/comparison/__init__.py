"""Scores on several benchmarks side by side, and tables of them for papers."""
