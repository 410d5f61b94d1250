"""A daemon's life: who may be it, where it is found, how it starts, serves and ends."""
