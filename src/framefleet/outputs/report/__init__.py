"""The report: one HTML file to look at a document with, beside its video. `page/` is what the browser runs."""
