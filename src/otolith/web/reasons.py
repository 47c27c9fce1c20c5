"""Why something failed, in the reader's language: the sentences that jobs and decoders store are English."""

import re
from dataclasses import dataclass
from functools import lru_cache

from otolith.web.words import Words, mark

# Word for word what the media and job slices say; a test looks each of them up there.
REASONS = (
    mark("Analysing this file needs more memory than a sound file may have."),
    mark("Decoding got stuck: no progress for %(seconds)s s."),
    mark("Decoding this file needs too much memory."),
    mark("Otolith may not read this file: look at its owner and its permissions."),
    mark("The decoder crashed on this file (%(name)s)."),
    mark("The disk is full (or a quota is used up)."),
    mark("The file could not be read: %(reason)s."),
    mark("The file has %(size)s bytes; the limit is %(limit)s."),
    mark("The file is damaged: %(length)s are missing in the middle of it."),
    mark("The file is empty (0 bytes)."),
    mark("The file is not there (any more)."),
    mark("The file states %(stated)s, but holds %(held)s."),
    mark("The file took longer than %(seconds)s s, which is the limit."),
    mark("The file was changed while Otolith was reading it; try again."),
    mark("The recording has %(channels)s channels; the limit is %(limit)s."),
    mark("The recording is longer than %(hours)s hours, which is the limit."),
    mark("The sample rate is %(rate)s Hz; the limit is %(limit)s Hz."),
    mark("The sound is encoded in %(codec)s, which Otolith cannot decode."),
    mark("The sound is protected by copy protection (DRM) and cannot be decoded."),
    mark("This %(container)s file has no sound in it."),
    mark("This %(container)s file is whole but holds no sound: it is 0 seconds long."),
    mark("This is a playlist that points at other files or addresses; Otolith does not follow it."),
    mark("This is a text file, not a sound file."),
    mark("This is a web page or an XML document, not a sound file."),
    mark("This is not a sound file that Otolith knows: nothing in it looks like sound."),
    mark("This looks like %(container)s, but its headers are broken."),
    mark("This looks like %(container)s, but nothing in it can be decoded."),
    mark("%(count)s of %(total)s child jobs failed."),
)
_VALUE = re.compile(r"%\((\w+)\)s")


@dataclass(frozen=True, slots=True)
class Reason:
    """A sentence and the language that it stands in."""

    text: str
    language: str


@lru_cache(maxsize=1)
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    found = []
    for reason in REASONS:
        parts = _VALUE.split(reason)
        texts, names = parts[::2], parts[1::2]
        pattern = re.escape(texts[0])
        for name, text in zip(names, texts[1:], strict=True):
            pattern += f"(?P<{name}>.+?){re.escape(text)}"
        found.append((re.compile(pattern, re.DOTALL), reason))
    return tuple(found)


def reason_in(language: str, words: Words, text: str) -> Reason:
    """The sentence in this language where it is a known one, else as it is."""
    if language != "en":
        for pattern, reason in _patterns():
            if match := pattern.fullmatch(text):
                return Reason(words.say(reason, **match.groupdict()), language)
    return Reason(text, "en")


def plain_reasons(language: str, words: Words) -> dict[str, str]:
    """The sentences without values by their English form, for scripts that show an answer of the API."""
    return {} if language == "en" else {reason: words.say(reason) for reason in REASONS if "%(" not in reason}
