"""What sounds alike: neighbours, radio, paths and the map; see docs/user/similar.md."""
