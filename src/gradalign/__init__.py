"""Rank neural networks before training them."""
