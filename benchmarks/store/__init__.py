"""Patina's store and index beside others', on the same passages and the same vectors: `python -m benchmarks.store`.

Every system is measured in a process of its own, the peers in an environment of their own too (`make bench-store`).
What runs there (`cell`, `passages`, `system` and `systems`) imports nothing of Patina's but its own system, and little
beyond numpy.
"""
