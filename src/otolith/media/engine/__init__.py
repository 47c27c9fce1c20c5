"""Decoding and what is computed for playback: pure code over samples."""
