"""What Patina costs, measured beside the bare parts that it is made of: `python -m benchmarks`, or `make bench`.

Each bench is a module with a TITLE, an ABOUT, and ``async def measure(workshop) -> list[Row]``.
"""
