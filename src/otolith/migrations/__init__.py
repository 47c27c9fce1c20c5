"""The Alembic environment and the versions of the schema.

See docs/develop/README.md.
"""
