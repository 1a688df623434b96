"""The document: its types, one file per part, and its codec. Depends only on times and errors."""
