"""Pure code over embeddings: nearest, spread, ways and layouts."""
