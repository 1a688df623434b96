"""The execution of requests: each is answered once, at the pace that the endpoint allows."""
