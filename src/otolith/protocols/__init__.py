"""Inbound languages that other programs already speak."""
