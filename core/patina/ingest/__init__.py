"""From files to passages: walk finds them, read opens them safely, extract decodes them, chunk cuts them.

Everything here is a leaf: no store, no model, no event loop. `patina.ingest.pipeline` puts the parts in a row.
"""
