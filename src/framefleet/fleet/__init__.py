"""Getting requests answered: backends, the pool that keeps them busy, and what it costs."""
