"""Rehearse reference-data changes against TV viewing before anyone agrees to them."""

__version__ = "0.1.0"
