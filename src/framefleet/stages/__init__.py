"""The analyses, one folder each. `base` defines what a stage is; `registry` finds one by name without loading it."""
