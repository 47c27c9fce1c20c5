"""Stored sound: uploads, decoding, waveforms, streaming and tags."""
