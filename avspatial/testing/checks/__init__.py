"""The conformance checks, one module a kind."""
