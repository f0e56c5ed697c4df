"""How fast the service is, measured on the real thing: gunicorn, both databases, providers on the wire.

`python -m benchmarks` runs everything; `benchmarks/README.md` says how to read the figures.
"""
