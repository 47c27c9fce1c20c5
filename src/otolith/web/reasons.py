"""Why something failed, in the reader's language: the sentences that jobs and decoders store are English."""

import re
from dataclasses import dataclass
from functools import lru_cache

from otolith.web.words import Words, mark

# Word for word what the slices below say; a test looks each of them up there.
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
    # What accounts say to whoever chooses, changes or invites.
    mark("A password has at least %(length)s characters."),
    mark("A password mixes at least %(kinds)s of these: lower case, upper case, digits, others."),
    mark("This password is one of the most common ones, or hardly more than one; choose another."),
    mark("This password is too easy to guess; several unrelated words make a good one."),
    mark("A user name has 1 to 100 characters, without @, slashes, line breaks or spaces at its ends."),
    mark("This is no e-mail address."),
    mark("Somebody has this user name or e-mail address already."),
    mark("This is the last administrator; make somebody else one first."),
    mark("This user is the only owner of %(names)s; give it another owner first, or delete it."),
    mark("The present password is not right."),
    mark("This code is not right, or was used already; wait for the next one."),
    mark("The code is not right; look whether the clock of the device is."),
    mark("Codes are asked for already; switch them off first."),
    mark("That took too long, or too many tries; sign in with your password again."),
    mark("This link was used already, has expired, or never was one; ask for a new one."),
    mark("This server sends no mail; ask its administrator for a link."),
    mark("Nobody can register here; ask the administrator for an invitation."),
    # What health says of a library: names, meanings and advice.
    mark("Unreadable"),
    mark("The file is in the library, but it could not be heard."),
    mark("Restore the file from a backup or replace it, and scan again."),
    mark("Not taken in"),
    mark("The last scan of its folder could not take this file in."),
    mark("Do what the reason says, or move the file out of the library, and scan again."),
    mark("Damaged or cut off"),
    mark("The file plays, but a part of the sound is lost."),
    mark("Replace the file by a whole copy, and scan again."),
    mark("Missing"),
    mark("The file was gone at the last scan; its plays, ratings and analysis are kept."),
    mark("Bring the file back and scan again, or remove it for good with `otolith library purge`."),
    mark("Exact copies"),
    mark("These files are the same, byte for byte."),
    mark("Keep one of them; no sound is lost with the others."),
    mark("Same recording"),
    mark("These files hold the same recording, in different encodings or cut differently at the ends."),
    mark("Keep the best one: the one marked is lossless, or has the highest bit rate."),
    mark("Same recording, mastered differently"),
    mark("These files hold the same recording, but one was made louder or more even than the other."),
    mark("Keep both, or the one that you like better; they are not the same sound."),
    mark("Albums with gaps"),
    mark("The numbers of the album's tracks do not add up."),
    mark("Add the tracks that lack, or correct the numbers and totals in the tags."),
    mark("Missing tags"),
    mark("The file does not say all that lists and searches go by."),
    mark("Fill in what lacks, here or with another program, and scan again."),
    mark("Too loud"),
    mark(
        "The true peak lies above full scale (0 dBTP), so players and converters may cut the tips of the wave. "
        "This is common in loud masters and in lossy files made from them; it does not say that the recording "
        "itself is distorted."
    ),
    mark("Nothing has to be done: ReplayGain turns it down when played. A quieter master would be cleaner."),
    mark("Not heard again"),
    mark(
        "Otolith hears more than when it heard this file, but it failed to hear it again. What it found before "
        "still serves."
    ),
    mark("See whether the file plays to its end, and replace it if not. The next version of Otolith tries again."),
    mark("Not all engines could hear it again."),
    mark("%(place)s was gone at the last scan."),
    mark("The file could not be heard."),
    # Why a scan waits, and what may not be scanned.
    mark("It was paused; resume it, and it goes on where it was."),
    mark("This path holds characters that no file system knows."),
    mark("A path holds no NUL character."),
    mark("%(path)s is not an absolute path; name the folder from / on."),
    mark("You may not add to this workspace; ask its owner for the editor's role."),
    mark("%(path)s is where Otolith keeps its own files; what lies there is not scanned."),
    mark(
        "You may not scan %(path)s: it lies in none of the folders of OTOLITH_LIBRARY_ROOTS. An administrator "
        "may scan it, or add it there."
    ),
    mark("%(path)s is a part of this library already."),
    mark("Name a folder of the server's machine, from / on."),
    mark("Tick the box that says that you are sure; nothing was removed."),
    mark("%(total)s tracks are missing by now, and not %(expected)s; look again before you remove any."),
    mark("This scan is over, so there is nothing to pause, resume or cancel."),
    mark("Only owners and editors of its workspace may pause, resume or cancel a scan."),
    mark("%(path)s is not a folder. To hear one file, use `otolith analyse`."),
    mark(
        "There is no folder %(path)s (any more). Is its disk or network share mounted? Nothing was marked missing; "
        "scan again when it is back."
    ),
    mark(
        "The folder %(path)s could not be read: %(reason)s. Nothing was marked missing; mend its rights or "
        "its connection and scan again."
    ),
    mark(
        "%(path)s is empty, and it held files before. Is its disk or network share mounted? Nothing was marked "
        "missing; scan again when it is back."
    ),
    mark(
        "None of these was analysed yet, so nothing can be compared with it. Analysis runs by itself; ask again later."
    ),
    mark("The library is large and its sounds are still being read into memory; ask again in a moment."),
    mark("This track could not be analysed, so nothing can be compared with it: %(reason)s"),
    mark(
        "This track was analysed before there was a comparison by sound, and will be heard again by itself; "
        "ask again later."
    ),
    mark("This track was not analysed yet, so nothing can be compared with it. Analysis runs by itself; ask later."),
    mark("One of the two is still to be heard again by the newest engine, so they cannot be compared yet; ask later."),
    mark("The way begins and ends with the same track; name two."),
    mark(
        "No model for embeddings is set (OTOLITH_LANGUAGE_EMBEDDING_MODEL), so words and features answer, not meaning."
    ),
    mark(
        "The language model does not answer at the moment, so words and features answer. The server's log tells more."
    ),
    mark("No track was described to the model yet, so words and features answer. It happens by itself."),
    mark("The library is large and is still being read for its first search; ask again in a moment."),
    # Why tags were not changed, written or taken back.
    mark("Nothing is to be changed; name at least one field."),
    mark("%(text)s is no date; write it as 1999, 1999-12 or 1999-12-31."),
    mark("The tags of %(title)s were not read yet; wait until it was analysed and try again."),
    mark("These changes are undone already."),
    mark("These changes are written or undone already."),
    mark("In %(title)s, %(fields)s changed again since; undo the later change first."),
    mark("These changes are being written into their files; wait until that is done."),
    mark("You may see this workspace but not change it; ask its owner for the editor's role."),
    mark("This server leaves files alone (OTOLITH_LIBRARY_WRITE_TAGS); the change stays in the library."),
    mark("An upload is kept as it was sent; the change stays in the library."),
    mark("The file was gone at the last scan; the change stays in the library."),
    mark("The file is read-only; let the server's user write to it, and try again."),
    mark("The folder of the file is read-only; let the server's user write to it, and try again."),
    mark("These tracks are of several workspaces; change those of one at a time."),
    # Why an artist keeps the names that there are.
    mark("You may see this library but not change it; ask its owner for the editor's role."),
    mark("A name needs at least one character that can be seen."),
    mark("%(name)s has this name already."),
    mark("%(name)s is another name of %(artist)s already; remove that alias first."),
    mark("%(name)s is itself another name of %(other)s, so these would mean each other in a circle."),
    mark("These artists are of different workspaces."),
    mark("These two have the same name, and only their identifiers tell them apart; correct those in the tags."),
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
