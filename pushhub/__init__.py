"""The core of pushhub: every rule of binding, codes and delivery. It knows no route and no request."""

from importlib.metadata import version

__version__ = version("pushhub")
