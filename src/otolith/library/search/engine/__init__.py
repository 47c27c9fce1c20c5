"""Computes searches: words, arrays of what they stand in, scores, orders and counts; no database and no web."""
