"""A door for HTTP: OpenAI's `/v1`, Patina's own `/api`, and `/health`. docs/reference/protocol.md."""
