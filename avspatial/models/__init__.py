"""Networks and the masking spatializer that joins them."""
