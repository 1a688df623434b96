"""Outputs made from a document: the HTML report, the annotated video and exports."""
