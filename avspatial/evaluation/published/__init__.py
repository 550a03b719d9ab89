"""Published tables, their audit, and own results next to them."""
