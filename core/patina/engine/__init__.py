"""The engine: composes configuration and plugins into a running whole and answers every request.

    async with Patina(Config(home="./patina")) as patina:
        await patina.index("notes", [{"id": "a", "text": "hello"}])
        hits = await patina.scry("greeting")

Nothing listens: doors are opened by whoever runs the engine (`patina.daemon`).
"""

from patina.engine.engine import Patina

__all__ = ["Patina"]
