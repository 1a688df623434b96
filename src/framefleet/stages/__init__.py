"""The analyses. One folder each; `base` says what a stage is, `registry` finds one by name without loading a model."""
