"""Self-contained HTML pages: run report, comparison, preview; and the page of metric cards."""
