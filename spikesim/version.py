"""Which version this is; in a file of its own, as files of all rooms say it."""

__all__ = ["__version__"]

__version__ = "0.1.0"
