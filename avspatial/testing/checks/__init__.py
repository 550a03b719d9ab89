"""Conformance checks, one module for each kind of component."""
