"""Speech as text."""
