"""One class of tests a protocol. A subclass makes the thing under test; every promise of the protocol is one test."""
