"""Words that follow from values rather than from a template: keys, confidence, states, tasks."""

from dataclasses import dataclass
from gettext import NullTranslations

from otolith.core.actor import WorkspaceRole


def mark(message: str) -> str:
    """Marks a text for translation where it is written and translates it where it is used."""
    return message


KEYS = {
    "C": mark("C"),
    "C#": mark("C♯"),
    "D": mark("D"),
    "D#": mark("D♯"),
    "E": mark("E"),
    "F": mark("F"),
    "F#": mark("F♯"),
    "G": mark("G"),
    "G#": mark("G♯"),
    "A": mark("A"),
    "A#": mark("A♯"),
    "B": mark("B"),
}

MODES = {"major": mark("major"), "minor": mark("minor")}

# What to tell people, by HTTP status: a heading, and what they can do.
PROBLEMS = {
    400: (mark("That was not understood"), mark("Go back, load the page again and try once more.")),
    403: (mark("You may not do this"), mark("Load the page again; if it stays so, ask whoever runs this server.")),
    404: (mark("Nothing is here"), mark("There is no page at this address, or you may not see it.")),
    405: (mark("That was not understood"), mark("Go back, load the page again and try once more.")),
    409: (mark("Something changed meanwhile"), mark("Load the page again to see how things stand.")),
    413: (mark("This is too large"), mark("Send less at once, or ask whoever runs this server to raise the limit.")),
    415: (mark("This is no sound that Otolith can read"), mark("Choose another file.")),
    422: (mark("That was not understood"), mark("Go back, load the page again and try once more.")),
    429: (mark("Too much at once"), mark("Wait a moment, then try again.")),
    503: (
        mark("Otolith is catching its breath"),
        mark("A part of the server does not answer. Try again in a moment."),
    ),
    507: (mark("The disk is full"), mark("Nothing was stored. Ask whoever runs this server to make room.")),
}
UNEXPECTED = (
    mark("Something went wrong here"),
    mark("The fault is the server's, not yours. Try again; if it stays so, tell whoever runs this server."),
)

STATES = {
    "queued": mark("Waiting"),
    "running": mark("Running"),
    "waiting": mark("Running"),
    "retrying": mark("Will be tried again"),
    "succeeded": mark("Done"),
    "dead": mark("Failed"),
    "cancelled": mark("Cancelled"),
}


@dataclass(frozen=True, slots=True)
class Tab:
    """A choice of jobs by their states; none means all. `parts` says that the parts of larger jobs are among them."""

    label: str
    states: tuple[str, ...] = ()
    counted: bool = False
    parts: bool = False


TABS = {
    "": Tab(mark("All")),
    "waiting": Tab(mark("Waiting"), ("queued", "retrying"), counted=True),
    "running": Tab(mark("Running"), ("running", "waiting"), counted=True),
    "failed": Tab(mark("Failed"), ("dead",), parts=True),
    "done": Tab(mark("Done"), ("succeeded",)),
    "cancelled": Tab(mark("Cancelled"), ("cancelled",)),
}

SCAN_STATES = {
    "running": mark("Running"),
    "paused": mark("Paused"),
    "done": mark("Done"),
    "failed": mark("Failed"),
    "cancelled": mark("Cancelled"),
}

SCOPES = {
    "read": mark("may only read"),
    "write": mark("may read and change"),
    "admin": mark("may do all that you may"),
}

FEATURES: dict[str, str] = {
    "identify": mark("Identify recordings"),
    "identify_batch": mark("Identify many at once"),
    "rename": mark("Rename files"),
    "audd": mark("Ask AudD"),
    "musicbrainz": mark("Ask MusicBrainz"),
    "transcribe": mark("Write down speech"),
    "enrich": mark("Summaries by language models"),
    "library": mark("Music library"),
    "insights": mark("Figures and reports"),
}

WORKSPACE_ROLES: dict[WorkspaceRole, str] = {
    "viewer": mark("Viewer"),
    "editor": mark("Editor"),
    "owner": mark("Owner"),
}

PHASES = {
    "walk": mark("Find files"),
    "compare": mark("Compare with what is known"),
    "read": mark("Read tags"),
    "store": mark("Store"),
    "covers": mark("Make covers"),
    "analyse": mark("Listen"),
    "tidy": mark("Tidy up"),
}

# What the form of a search asks for.
FILTERS = {
    "bpm": mark("Tempo"),
    "year": mark("Year"),
    "loudness": mark("Loudness"),
    "minutes": mark("Length"),
}

ADDED = {
    "1d": mark("Added in the last day"),
    "7d": mark("Added in the last week"),
    "30d": mark("Added in the last month"),
    "1y": mark("Added in the last year"),
}

SORTS = {
    "": mark("Best match"),
    "title": mark("Title"),
    "artist": mark("Artist"),
    "album": mark("Album"),
    "-added": mark("Newest first"),
    "-year": mark("Year, latest first"),
    "year": mark("Year, earliest first"),
    "bpm": mark("Tempo, slow first"),
    "-bpm": mark("Tempo, fast first"),
    "key": mark("Key"),
    "-energy": mark("Energy, most first"),
    "-loudness": mark("Loudest first"),
    "duration": mark("Shortest first"),
    "-duration": mark("Longest first"),
    "-rating": mark("Your rating"),
    "-plays": mark("Most played by you"),
    "-played": mark("Last played by you"),
}

ALBUM_SORTS = {
    "artist": mark("Artist"),
    "title": mark("Title"),
    "added": mark("Newest first"),
    "year": mark("Year, earliest first"),
}
ARTIST_SORTS = {"name": mark("Name"), "tracks": mark("Most recordings"), "added": mark("Newest first")}
GENRE_SORTS = {"name": mark("Name"), "tracks": mark("Most recordings")}

ROLES = {
    "artist": mark("Artist"),
    "album_artist": mark("Album artist"),
    "composer": mark("Composer"),
    "lyricist": mark("Lyricist"),
    "conductor": mark("Conductor"),
    "performer": mark("Performer"),
    "remixer": mark("Remixer"),
    "producer": mark("Producer"),
}

FACETS = {
    "genre": mark("Genre"),
    "artist": mark("Artist"),
    "decade": mark("Decade"),
    "key": mark("Key"),
    "bpm": mark("Tempo"),
    "format": mark("Format"),
}

# What two recordings have in common.
COMMON = {
    "same_tempo": mark("same tempo"),
    "double_tempo": mark("half or twice the tempo"),
    "same_key": mark("same key"),
    "relative_key": mark("relative key"),
    "next_key": mark("neighbouring key"),
    "timbre": mark("similar timbre"),
    "energy": mark("similar energy"),
    "voice": mark("sung"),
    "instrumental": mark("instrumental"),
    "same_artist": mark("same artist"),
    "same_genre": mark("same genre"),
}

# The parts that a recording is divided into.
SEGMENTS = {
    "intro": mark("Intro"),
    "outro": mark("Outro"),
    "loud": mark("Loud part"),
    "part": mark("Part"),
}

HEALTH_FIELDS = {
    "title": mark("Title"),
    "artist": mark("Artist"),
    "album": mark("Album"),
    "number": mark("Track number"),
    "date": mark("Date"),
    "genre": mark("Genre"),
    "cover": mark("Cover"),
}

# The tags that the form offers, and those that go along with them in what it shows.
TAGS = {
    "title": mark("Title"),
    "artist": mark("Artist"),
    "album": mark("Album"),
    "album_artist": mark("Album artist"),
    "track": mark("Track number"),
    "track_total": mark("Tracks on the disc"),
    "disc": mark("Disc number"),
    "disc_total": mark("Discs"),
    "date": mark("Date"),
    "genres": mark("Genres"),
    "composers": mark("Composers"),
    "compilation": mark("Compilation"),
    "comment": mark("Comment"),
    "lyrics": mark("Lyrics"),
    "title_sort": mark("Title, for sorting"),
    "artist_sort": mark("Artist, for sorting"),
    "album_sort": mark("Album, for sorting"),
    "album_artist_sort": mark("Album artist, for sorting"),
}

EDIT_STATES = {
    "kept": mark("In the library"),
    "writing": mark("Being written"),
    "written": mark("In the file"),
    "failed": mark("Not written"),
    "undone": mark("Undone"),
}

HEALTH_FAULTS = {
    "doubled": mark("More than once: %(numbers)s."),
    "totals": mark("The tags disagree on how many there are: %(numbers)s."),
    "beyond": mark("Beyond the number that there are said to be: %(numbers)s."),
    "gap": mark("Lacking: %(numbers)s."),
    "disc totals": mark("The tags disagree on how many discs there are: %(numbers)s."),
    "discs": mark("Lacking discs: %(numbers)s."),
}

TASKS = {
    "accounts.tidy": mark("Forget old entries of the audit"),
    "library.scan": mark("Scan a folder"),
    "library.index": mark("Read tags"),
    "library.analyse": mark("Listen to recordings"),
    "library.refresh": mark("Take in what changed in a folder"),
    "library.rounds": mark("Look for folders to scan"),
    "library.renew": mark("Look for recordings to hear anew"),
    "library.tidy": mark("Tidy up after a scan"),
    "library.covers": mark("Make covers"),
    "library.folder_covers": mark("Look for pictures in folders"),
    "library.tidy_covers": mark("Remove covers that nobody needs"),
    "library.write_tags": mark("Write tags into files"),
    "library.duplicates": mark("Compare recordings"),
    "library.map": mark("Draw the map"),
    "library.vectorise": mark("Describe recordings to the language model"),
    "library.refile": mark("File an artist's recordings anew"),
    "library.snapshot": mark("Prepare the search"),
}


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one language for values."""

    known: NullTranslations

    def say(self, message: str, **values: object) -> str:
        text = str(self.known.gettext(message))
        return text % values if values else text

    def count(self, one: str, many: str, number: int, **values: object) -> str:
        return str(self.known.ngettext(one, many, number)) % {"number": number, **values}

    def key(self, name: str) -> str:
        return self.say(KEYS[name]) if name in KEYS else name

    def key_and_mode(self, key: str, mode: str) -> str:
        return f"{self.key(key)} {self.say(MODES[mode])}"

    def channels(self, number: int) -> str:
        if number <= 2:
            return self.say("mono") if number == 1 else self.say("stereo")
        return self.count("%(number)s channel", "%(number)s channels", number)

    def sureness(self, confidence: float | None) -> str:
        """How sure an engine is, in words, since a percentage would promise more than it knows."""
        if confidence is None:
            return ""
        if confidence >= 0.8:
            return self.say("Very sure")
        if confidence >= 0.5:
            return self.say("Fairly sure")
        return self.say("Unsure")

    def task(self, name: str) -> str:
        """What a task does, for people; tasks that nobody named here keep their own name."""
        return self.say(TASKS[name]) if name in TASKS else name
