"""Datasets, indicators, forecasts and reports of a workspace.

See docs/develop/README.md.
"""
