"""Server-rendered pages over the same services as the API.

See docs/develop/web.md.
"""
