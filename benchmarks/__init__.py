"""How fast the service is, measured on the real thing: gunicorn, both databases, the simulated FCM.

`python -m benchmarks` runs everything; `benchmarks/README.md` says how to read the figures.
"""
