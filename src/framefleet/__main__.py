"""`python -m framefleet`."""

from framefleet.cli import main

main()
