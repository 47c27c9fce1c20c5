"""The ledger of durable background work."""
