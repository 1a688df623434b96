"""The HTML report of a document, a single file next to its video. `page/` holds what the browser runs."""
