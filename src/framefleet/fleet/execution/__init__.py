"""Getting every request answered once, at the pace that the endpoint allows."""
