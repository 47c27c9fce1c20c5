"""Hearing again, behind all other work, what older engines heard."""
