"""The messages between client and endpoints, version "1". One file per endpoint.

Field names are public API. A receiver ignores fields it does not know and refuses a version it does not know.
"""
