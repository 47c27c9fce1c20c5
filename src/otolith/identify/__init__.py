"""What a recording is: fingerprints, the local index and matching.

See docs/develop/loudness-and-fingerprints.md.
"""
