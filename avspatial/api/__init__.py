"""What `import avspatial` offers, one module a call."""
