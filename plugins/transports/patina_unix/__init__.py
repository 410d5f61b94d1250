"""A door on a Unix socket: framed messages, many at a time on one connection. docs/reference/protocol.md."""
