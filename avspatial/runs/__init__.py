"""Run directories: whole files, provenance, never written twice."""
