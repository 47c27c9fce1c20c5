"""The icons, drawn on a 20-unit grid and written into the pages, so that no page waits for a picture."""

from markupsafe import Markup

_SHAPES = {
    "play": ("M6.5 3.6v12.8a.7.7 0 0 0 1.07.6l10-6.4a.7.7 0 0 0 0-1.2l-10-6.4a.7.7 0 0 0-1.07.6Z"),
    "pause": ("M5.5 3.5h3v13h-3zM11.5 3.5h3v13h-3z"),
    "heard": ("M3 8.5h1.6v3H3zM6.1 5.5h1.6v9H6.1zM9.2 2.5h1.6v15H9.2zM12.3 6.5h1.6v7h-1.6zM15.4 8.5H17v3h-1.6z"),
    "activity": (
        "M10 2.2a7.8 7.8 0 1 0 7.8 7.8h-1.6A6.2 6.2 0 1 1 10 3.8V2.2Zm2.1.3-.4 1.55"
        "a6.2 6.2 0 0 1 4.25 4.25l1.55-.4a7.8 7.8 0 0 0-5.4-5.4ZM9.2 5.5v5l3.9 2.3.8-1.35-3.1-1.85V5.5"
        "H9.2Z"
    ),
    "person": (
        "M10 2.5a3.75 3.75 0 1 0 0 7.5 3.75 3.75 0 0 0 0-7.5Zm0 1.6"
        "a2.15 2.15 0 1 1 0 4.3 2.15 2.15 0 0 1 0-4.3ZM10 11.2c-3.9 0-6.75 2.4-6.75 5.8v.5h13.5V17"
        "c0-3.4-2.85-5.8-6.75-5.8Zm0 1.6c2.6 0 4.5 1.25 5 3.1H5c.5-1.85 2.4-3.1 5-3.1Z"
    ),
    "back": ("m8.7 4.2 1.1 1.1-3.9 3.9h10.6v1.6H5.9l3.9 3.9-1.1 1.1L2.9 10l5.8-5.8Z"),
    "done": ("m8 13.1 7.9-8 1.1 1.2-9 9.1-5-5 1.1-1.2L8 13.1Z"),
    "wait": (
        "M10 2.5a7.5 7.5 0 1 0 0 15 7.5 7.5 0 0 0 0-15Zm0 1.6a5.9 5.9 0 1 1 0 11.8 5.9 5.9 0 0 1 0-11.8Z"
        "M9.2 6v4.6l3.3 1.9.8-1.4-2.5-1.4V6H9.2Z"
    ),
    "run": ("M10 4.1V1.3l4 3.6-4 3.6V5.7a4.7 4.7 0 1 0 4.7 4.7h1.6A6.3 6.3 0 1 1 10 4.1Z"),
    "stop": (
        "M10 2.5a7.5 7.5 0 1 0 0 15 7.5 7.5 0 0 0 0-15Zm0 1.6a5.9 5.9 0 1 1 0 11.8 5.9 5.9 0 0 1 0-11.8Z"
        "M6 9.2v1.6h8V9.2H6Z"
    ),
    "bad": ("M10 2.2 18.6 17H1.4L10 2.2Zm0 3.2L4.2 15.4h11.6L10 5.4Zm-.8 3.1h1.6v3.8H9.2V8.5Zm0 4.7h1.6v1.5H9.2v-1.5Z"),
    "close": ("m5.1 4 4.9 4.9L14.9 4 16 5.1 11.1 10l4.9 4.9-1.1 1.1-4.9-4.9L5.1 16 4 14.9 8.9 10 4 5.1 5.1 4Z"),
}

# The stone itself, with two of its growth rings, on a grid of 32.
_MARK = (
    '<path fill-rule="evenodd" d="'
    "M17.6 2.6"
    "c6.7.5 11.6 5.3 11.9 11.9.3 7.4-4.6 14.4-11.7 14.9-3 .2-4.6-1.6-6.9-2.9-2.2-1.2-4.6-1-6.3-3"
    "C2.7 21.2 2.2 18.2 2.5 15.3 3.3 7.7 9.9 2 17.6 2.6Zm-.2 2.3C11 4.4 5.5 9.1 4.8 15.5"
    "c-.3 2.4.1 4.8 1.5 6.5 1.3 1.5 3.5 1.3 5.7 2.5 2 1.1 3.6 2.8 5.7 2.6 5.7-.4 9.7-6.2"
    " 9.5-12.5-.2-5.4-4.3-9.3-9.8-9.7"
    "Z"
    '"/>'
    '<path fill-rule="evenodd" d="'
    "M16.8 7.9"
    "c4.6.3 7.7 3.4 7.8 7.6.1 4.6-2.9 8.6-6.7 8.7-1.7"
    " 0-2.9-1.2-4.6-2.1-1.5-.8-3.3-.9-4.3-2.2-.9-1.2-1.2-2.9-1-4.6.5-4.5 4.3-7.7 8.8-7.4"
    "Zm-.1 2"
    "c-3.4-.2-6.3 2.2-6.7 5.6-.2 1.2.1 2.3.6 3.1.7.8 2.1.9 3.6 1.7 1.5.8 2.5 1.9 3.7 1.9 2.6-.1"
    " 4.8-3.1 4.7-6.6-.1-3.2-2.5-5.4-5.9-5.7"
    "Z"
    '"/>'
    '<circle cx="16.2" cy="15" r="2.3"/>'
)


def icon(name: str, kind: str = "") -> Markup:
    """A picture that says nothing to those who do not see it: the words stand beside it."""
    look = f' class="{kind}"' if kind else ""
    return Markup(  # noqa: S704 -- Only constants of this module.
        f'<svg{look} viewBox="0 0 20 20" aria-hidden="true" focusable="false"><path d="{_SHAPES[name]}"/></svg>'
    )


def sign() -> Markup:
    """The sign of Otolith."""
    return Markup(  # noqa: S704 -- Only constants of this module.
        f'<svg viewBox="0 0 32 32" aria-hidden="true" focusable="false">{_MARK}</svg>'
    )
