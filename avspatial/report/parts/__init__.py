"""Parts that all pages use."""
