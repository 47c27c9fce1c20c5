"""What each person makes of a track: plays and ratings; see docs/user/catalogue.md."""
