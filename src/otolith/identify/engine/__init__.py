"""Fingerprints: pure code over samples."""
