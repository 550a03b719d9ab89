"""Published tables, their audit, and own results beside them."""
