"""Pages about scores: what the report's parts show of them."""
