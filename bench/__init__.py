"""What a pass of the engine costs, as a multiple of one training step; see README.md."""
