"""Records of scores in one file, which loses nothing."""
