"""What every slice stands on, and what knows no slice."""
