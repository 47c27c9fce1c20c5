"""What music sounds like: loudness, rhythm and tonality, pure code over samples."""
