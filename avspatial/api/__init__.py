"""The functions of `import avspatial`, one module for each."""
