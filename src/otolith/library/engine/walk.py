"""Finds the sound files under a folder, whatever they are called and whatever else lies there."""

import errno
import os
import stat
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from otolith.library.engine.ignoring import LARGEST, MOST_RULES, NO_MEDIA, PATTERNS, Chain, Ignored, hides
from otolith.media.engine.sniff import HEAD, sniff, tag_length

SOUND: Final = frozenset(
    b"mp3 mp2 mp1 mpga flac wav wave bwf w64 rf64 aif aiff aifc ogg oga opus spx m4a m4b m4r mp4 aac adts alac wma asf "
    b"webm weba mka wv ape tta mpc mpp mp+ au snd caf amr awb dsf dff ac3 eac3 ec3 dts".split()
)
PLAYLISTS: Final = frozenset(b"m3u m3u8 pls xspf asx wax wvx wpl zpl cue".split())
SCORES: Final = frozenset(b"mid midi kar rmi".split())
# Names that say plainly that the file is something else; it is passed over without being opened.
OTHERS: Final = frozenset(
    b"jpg jpeg png gif webp bmp tif tiff svg heic avif ico psd txt nfo log lrc srt md5 sfv ffp accurip toc pdf doc "
    b"docx odt rtf epub html htm xml json yaml yml toml ini cfg conf csv md py sh js css zip rar 7z gz bz2 xz zst tar "
    b"iso exe dll so db sqlite sqlite3 lnk url desktop torrent part crdownload tmp bak avi mov mkv m4v mpg "
    b"mpeg wmv flv vob ts sf2 sf3 als flp ptx nomedia".split()
)
PICTURES: Final = frozenset(b"jpg jpeg png gif webp bmp tif tiff avif heic".split())
# What the words of a song are kept in, beside its file and under the same name.
WORDS: Final = b"lrc"
_APPLE_DOUBLE: Final = b"\x00\x05\x16\x07"
_INT64: Final = 2**63 - 1

Verdict = Literal["failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Found:
    """A file that is, or claims to be, sound: `size` in bytes, `mtime_ns` in nanoseconds since 1970.

    `lyrics_ns` is when the ``.lrc`` file beside it was last changed; None where there is none.
    """

    path: bytes
    size: int
    mtime_ns: int
    lyrics_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A place that cannot be taken in, and why: `kind` for programs and `error` for people.

    The path of a folder ends with a slash.
    """

    path: bytes
    verdict: Verdict
    kind: str
    error: str


Step = Found | Refused


def extension(name: bytes) -> bytes:
    """The part behind the last dot, in lower case; a leading dot alone begins no extension."""
    stem, _, suffix = name.rpartition(b".")
    return suffix.lower() if stem.strip(b".") else b""


class Walk:
    """The files under `root`, in the byte order of their paths, one folder's listing in memory at a time.

    That order is the same on every walk, so a walk that was interrupted goes on behind the last path it dealt with.
    A link to a folder is followed when it leads out of the root, and then once; inside the root, the folder is found
    at its own place. A link to a file is followed. `leave_out` holds folders, by their real path, to pass over with all
    that lies in them, whatever way leads there; what ignore files leave out is passed over too. As it goes, `mounts`
    gathers the folders that lie on another device than the one around them, each with whether a link leads there.
    """

    def __init__(self, root: bytes, leave_out: Collection[bytes] = ()) -> None:
        self.root = root
        self._ignored = Ignored()
        self._real_root = os.path.realpath(root)
        self._leave_out = frozenset(leave_out)
        self._linked: set[tuple[int, int]] = set()
        self.mounts: dict[bytes, bool] = {}
        # Whether a folder may be a left out one without a link leading there; looking costs a little for each.
        self._is_near = any(_contains(self._real_root, left_out) for left_out in self._leave_out)

    def __iter__(self) -> Iterator[Step]:
        if self._is_left_out(self._real_root):
            return
        if self._ignored.chain(self.root) is None:
            reason = f"An ignore file ({NO_MEDIA.decode()} or {PATTERNS.decode()}) says to leave this folder out."
            yield Refused(self.root.rstrip(b"/") + b"/", "skipped", "ignored", reason)
            return
        device = self._device_below(self.root, device_of(outer_of(self.root)))
        yield from self._below(self._list(self.root), device)

    def part(self, folder: bytes, names: Collection[bytes]) -> Iterator[Step]:
        """What these names in one folder of the root stand for, as after a change of them: files, or whole folders.

        The name of a ``.lrc`` file stands for the sound beside it. Links to folders are left to walks of the whole.
        """
        if self._is_left_out(os.path.realpath(folder)) or self._ignored.chain(folder) is None:
            return
        if _contains(self._real_root, os.path.realpath(folder)):
            yield from self._below(self._list(folder, frozenset(names)), device_of(folder))

    def _below(self, first: Iterator[Step | bytes], device: int | None) -> Iterator[Step]:
        pending = [(first, device)]
        while pending:
            listed, outer = pending[-1]
            step = next(listed, None)
            if step is None:
                pending.pop()
            elif isinstance(step, bytes):
                pending.append((self._list(step), self._device_below(step, outer)))
            else:
                yield step

    def _device_below(self, folder: bytes, outer: int | None) -> int | None:
        """The device of a folder, noted where it is another than that of the folder around it."""
        device = device_of(folder)
        if device is not None and outer is not None and device != outer:
            self.mounts[folder] = os.path.islink(folder)  # noqa: PTH114 -- The path is bytes.
        return device

    def _list(self, folder: bytes, names: frozenset[bytes] | None = None) -> Iterator[Step | bytes]:
        """What lies in one folder, or what `names` stand for there; the path of a folder means: go in here."""
        chain = self._ignored.chain(folder)
        if chain is None:
            return
        try:
            with os.scandir(folder) as listing:
                words, entries = _sorted_out(listing, names)
        except FileNotFoundError:
            return
        except OSError as error:
            yield Refused(folder + b"/", "failed", *_folder_trouble(error))
            return
        # With its slash a folder sorts where its contents belong among the paths.
        entries.sort(key=lambda pair: pair[1].name + b"/" if pair[0] else pair[1].name)
        for is_folder, entry in entries:
            if chain and hides(chain, entry.path, is_folder=is_folder):
                continue
            if entry.name == PATTERNS and not is_folder:
                yield from _cut(entry, chain)
            elif not is_folder:
                if not (entry.is_symlink() and self._is_left_out(os.path.realpath(entry.path))):
                    yield from _look(entry, words)
            elif entry.is_symlink():
                if names is None:
                    yield from self._follow(entry, folder)
            elif not (self._is_near and self._is_left_out(os.path.realpath(entry.path))):
                yield entry.path

    def _follow(self, link: os.DirEntry[bytes], folder: bytes) -> Iterator[Step | bytes]:
        target = os.path.realpath(link.path)
        if _contains(target, os.path.realpath(folder)):
            reason = "This link leads back to a folder that it lies in; it is not followed."
            yield Refused(link.path + b"/", "skipped", "link_loop", reason)
            return
        if _contains(self._real_root, target) or self._is_left_out(target):
            return
        try:
            status = link.stat()
        except OSError:
            return
        if (status.st_dev, status.st_ino) not in self._linked:
            self._linked.add((status.st_dev, status.st_ino))
            self._is_near = bool(self._leave_out)
            yield link.path

    def _is_left_out(self, real: bytes) -> bool:
        return any(_contains(left_out, real) for left_out in self._leave_out)


def device_of(folder: bytes) -> int | None:
    """The device that a folder lies on; None where it cannot be looked at."""
    try:
        return os.stat(folder).st_dev  # noqa: PTH116 -- The path is bytes.
    except OSError:
        return None


def outer_of(folder: bytes) -> bytes:
    """The folder around another one."""
    return folder.rstrip(b"/").rpartition(b"/")[0] or b"/"


def _contains(folder: bytes, path: bytes) -> bool:
    return path == folder or path.startswith(folder.rstrip(b"/") + b"/")


def _is_folder(entry: os.DirEntry[bytes]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _sorted_out(
    listing: Iterator[os.DirEntry[bytes]], names: frozenset[bytes] | None
) -> tuple[dict[bytes, os.DirEntry[bytes]], list[tuple[bool, os.DirEntry[bytes]]]]:
    """The files with words by their stem, and the other entries that are wanted, each with whether it is a folder."""
    words: dict[bytes, os.DirEntry[bytes]] = {}
    entries = []
    for entry in listing:
        stem, _, suffix = entry.name.rpartition(b".")
        if suffix.lower() == WORDS and stem:
            words[stem] = entry
        else:
            entries.append(entry)
    if names is not None:
        stems = {name.rpartition(b".")[0] for name in names if extension(name) == WORDS}
        entries = [one for one in entries if one.name in names or one.name.rpartition(b".")[0] in stems]
    return words, [(_is_folder(entry), entry) for entry in entries]


def _cut(entry: os.DirEntry[bytes], chain: Chain) -> Iterator[Refused]:
    """That not all of an ignore file counts, where that is so."""
    if chain and chain[-1].is_cut and entry.path == chain[-1].folder.rstrip(b"/") + b"/" + PATTERNS:
        reason = (
            f"Only the first {LARGEST // 1024} KiB of an ignore file count, and {MOST_RULES:,} rules in all with those "
            "of the folders above it. What comes behind is passed over; write fewer and wider patterns."
        )
        yield Refused(entry.path, "skipped", "ignore_file", reason)


def _look(entry: os.DirEntry[bytes], words: Mapping[bytes, os.DirEntry[bytes]]) -> Iterator[Step]:
    """What one entry that is no folder means to a scan, if anything."""
    suffix = extension(entry.name)
    named_sound = suffix in SOUND
    try:
        status = entry.stat()
    except OSError as error:
        trouble = _link_trouble(entry, error)
        if trouble and (named_sound or error.errno == errno.ELOOP):
            yield Refused(entry.path, "failed" if named_sound else "skipped", *trouble)
        return
    if not stat.S_ISREG(status.st_mode):
        verdict: Verdict = "failed" if named_sound else "skipped"
        yield Refused(entry.path, verdict, "not_a_file", f"This is {_sort_of(status.st_mode)}, not a sound file.")
    elif suffix in PLAYLISTS:
        reason = "This is a playlist, which points at other files or addresses; a scan does not follow it."
        yield Refused(entry.path, "skipped", "playlist", reason)
    elif suffix in SCORES:
        yield Refused(entry.path, "skipped", "score", "This is a score (MIDI), which holds notes but no sound.")
    elif _is_wanted(entry, suffix, named_sound=named_sound):
        beside = words.get(entry.name.rpartition(b".")[0])
        yield Found(entry.path, status.st_size, bounded(status.st_mtime_ns), _changed_at(beside))


def bounded(mtime_ns: int) -> int:
    """A moment as a database can hold it; file systems tell of others."""
    return max(-_INT64, min(_INT64, mtime_ns))


def _changed_at(words: os.DirEntry[bytes] | None) -> int | None:
    """When a file of words was last changed, if there is one."""
    if words is None:
        return None
    try:
        # A link is not followed: whoever may write here could show what any text elsewhere says through it.
        status = words.stat(follow_symlinks=False)
    except OSError:
        return None
    return bounded(status.st_mtime_ns) if stat.S_ISREG(status.st_mode) else None


def _is_wanted(entry: os.DirEntry[bytes], suffix: bytes, *, named_sound: bool) -> bool:
    if suffix in OTHERS or entry.name == b".DS_Store":
        return False
    if entry.name.startswith(b"._"):
        # Beside each file on a foreign disk macOS leaves one of the same name with "._" before it, which is no sound.
        return not _head(entry.path, 4).startswith(_APPLE_DOUBLE) and named_sound
    return named_sound or _sounds(_head(entry.path, HEAD))


def _sounds(head: bytes) -> bool:
    return sniff(head) is not None or tag_length(head) > 0


def _head(path: bytes, length: int) -> bytes:
    """The first bytes of a file; nothing where it cannot be read, because nothing then says that it is sound."""
    try:
        # Without blocking: between the listing and now the file may have become a pipe.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(descriptor, length)
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def _sort_of(mode: int) -> str:
    if stat.S_ISFIFO(mode):
        return "a named pipe (FIFO)"
    if stat.S_ISSOCK(mode):
        return "a socket"
    return "a device" if stat.S_ISCHR(mode) or stat.S_ISBLK(mode) else "something special"


def _link_trouble(entry: os.DirEntry[bytes], error: OSError) -> tuple[str, str] | None:
    """Why an entry that was listed cannot be looked at; None where it simply went away meanwhile."""
    if error.errno == errno.ELOOP:
        return "link_loop", "This is a symbolic link that leads back to itself."
    if error.errno in {errno.ENOENT, errno.ENOTDIR}:
        if entry.is_symlink():
            return "broken_link", "This is a symbolic link to a file that is not there."
        return None
    return "io_error", f"The file could not be looked at: {error.strerror}."


def _folder_trouble(error: OSError) -> tuple[str, str]:
    if error.errno in {errno.EACCES, errno.EPERM}:
        return "unreadable", "Otolith may not read this folder: look at its owner and its permissions."
    if error.errno == errno.ENAMETOOLONG:
        return "too_deep", "The path of this folder is longer than the system allows; move it further up."
    return "io_error", f"The folder could not be read: {error.strerror}."
