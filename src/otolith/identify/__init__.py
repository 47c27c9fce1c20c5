"""What a recording is: fingerprints, the local index and matching."""
