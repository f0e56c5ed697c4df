"""`python -m pushhub` is the command line."""

from pushhub.cli import main

main()
