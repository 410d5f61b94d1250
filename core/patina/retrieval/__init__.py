"""From a question to hits: each collection ranks, the rankings are fused, the store hands over the passages."""
