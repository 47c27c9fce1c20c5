"""Stored sound: uploads, decoding, waveforms, streaming and tags.

See docs/develop/decoding.md.
"""
