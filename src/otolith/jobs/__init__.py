"""The ledger of durable background work; docs/develop/jobs.md tells how it works."""
