"""What can be wrong with a library: the kinds of findings, what each means, and what to do about it."""

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal[
    "unreadable",
    "refused",
    "damaged",
    "missing",
    "copies",
    "duplicates",
    "masters",
    "albums",
    "tags",
    "clipped",
    "outdated",
]
Severity = Literal["error", "warning", "notice"]
Field = Literal["title", "artist", "album", "number", "date", "genre", "cover"]
FIELDS: Final[tuple[Field, ...]] = ("title", "artist", "album", "number", "date", "genre", "cover")


@dataclass(frozen=True, slots=True)
class About:
    """A kind of finding, told to people."""

    kind: Kind
    severity: Severity
    title: str
    meaning: str
    advice: str


KINDS: Final[dict[Kind, About]] = {
    about.kind: about
    for about in (
        About(
            "unreadable",
            "error",
            "Unreadable",
            "The file is in the library, but it could not be heard.",
            "Restore the file from a backup or replace it, and scan again.",
        ),
        About(
            "refused",
            "error",
            "Not taken in",
            "The last scan of its folder could not take this file in.",
            "Do what the reason says, or move the file out of the library, and scan again.",
        ),
        About(
            "damaged",
            "warning",
            "Damaged or cut off",
            "The file plays, but a part of the sound is lost.",
            "Replace the file by a whole copy, and scan again.",
        ),
        About(
            "missing",
            "warning",
            "Missing",
            "The file was gone at the last scan; its plays, ratings and analysis are kept.",
            "Bring the file back and scan again, or remove it for good with `otolith library purge`.",
        ),
        About(
            "copies",
            "warning",
            "Exact copies",
            "These files are the same, byte for byte.",
            "Keep one of them; no sound is lost with the others.",
        ),
        About(
            "duplicates",
            "warning",
            "Same recording",
            "These files hold the same recording, in different encodings or cut differently at the ends.",
            "Keep the best one: the one marked is lossless, or has the highest bit rate.",
        ),
        About(
            "masters",
            "notice",
            "Same recording, mastered differently",
            "These files hold the same recording, but one was made louder or more even than the other.",
            "Keep both, or the one that you like better; they are not the same sound.",
        ),
        About(
            "albums",
            "notice",
            "Albums with gaps",
            "The numbers of the album's tracks do not add up.",
            "Add the tracks that lack, or correct the numbers and totals in the tags.",
        ),
        About(
            "tags",
            "notice",
            "Missing tags",
            "The file does not say all that lists and searches go by.",
            "Fill in what lacks, here or with another program, and scan again.",
        ),
        About(
            "clipped",
            "notice",
            "Too loud",
            "The true peak lies above full scale (0 dBTP), so players and converters may cut the tips of the wave. "
            "This is common in loud masters and in lossy files made from them; it does not say that the recording "
            "itself is distorted.",
            "Nothing has to be done: ReplayGain turns it down when played. A quieter master would be cleaner.",
        ),
        About(
            "outdated",
            "notice",
            "Not heard again",
            "Otolith hears more than when it heard this file, but it failed to hear it again. What it found before "
            "still serves.",
            "See whether the file plays to its end, and replace it if not. The next version of Otolith tries again.",
        ),
    )
}
