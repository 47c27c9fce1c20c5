"""Datasets, indicators, forecasts and reports of a workspace."""
