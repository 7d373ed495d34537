"""Measurements of the whole system; `python -m benchmarks --help` lists them."""
