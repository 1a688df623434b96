"""What client and endpoints say to each other, version "1". One file per endpoint.

Field names are public API. A receiver ignores fields it does not know and refuses a version it does not know.
"""
