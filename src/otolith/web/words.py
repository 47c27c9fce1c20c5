"""Words that follow from values rather than from a template: keys, confidence, states, tasks."""

from dataclasses import dataclass
from gettext import NullTranslations


def _mark(message: str) -> str:
    """Marks a text for translation where it is written and translates it where it is used."""
    return message


KEYS = {
    "C": _mark("C"),
    "C#": _mark("C♯"),
    "D": _mark("D"),
    "D#": _mark("D♯"),
    "E": _mark("E"),
    "F": _mark("F"),
    "F#": _mark("F♯"),
    "G": _mark("G"),
    "G#": _mark("G♯"),
    "A": _mark("A"),
    "A#": _mark("A♯"),
    "B": _mark("B"),
}

MODES = {"major": _mark("major"), "minor": _mark("minor")}

# What to tell people, by HTTP status: a heading, and what they can do.
PROBLEMS = {
    400: (_mark("That was not understood"), _mark("Go back, load the page again and try once more.")),
    403: (_mark("You may not do this"), _mark("Load the page again; if it stays so, ask whoever runs this server.")),
    404: (_mark("Nothing is here"), _mark("There is no page at this address, or you may not see it.")),
    405: (_mark("That was not understood"), _mark("Go back, load the page again and try once more.")),
    409: (_mark("Something changed meanwhile"), _mark("Load the page again to see how things stand.")),
    413: (_mark("This is too large"), _mark("Send less at once, or ask whoever runs this server to raise the limit.")),
    415: (_mark("This is no sound that Otolith can read"), _mark("Choose another file.")),
    422: (_mark("That was not understood"), _mark("Go back, load the page again and try once more.")),
    429: (_mark("Too much at once"), _mark("Wait a moment, then try again.")),
    503: (
        _mark("Otolith is catching its breath"),
        _mark("A part of the server does not answer. Try again in a moment."),
    ),
    507: (_mark("The disk is full"), _mark("Nothing was stored. Ask whoever runs this server to make room.")),
}
UNEXPECTED = (
    _mark("Something went wrong here"),
    _mark("The fault is the server's, not yours. Try again; if it stays so, tell whoever runs this server."),
)

STATES = {
    "queued": _mark("Waiting"),
    "running": _mark("Running"),
    "waiting": _mark("Running"),
    "retrying": _mark("Will be tried again"),
    "succeeded": _mark("Done"),
    "dead": _mark("Failed"),
    "cancelled": _mark("Cancelled"),
}


@dataclass(frozen=True, slots=True)
class Tab:
    """A choice of jobs by their states; none means all. `parts` says that the parts of larger jobs are among them."""

    label: str
    states: tuple[str, ...] = ()
    counted: bool = False
    parts: bool = False


TABS = {
    "": Tab(_mark("All")),
    "waiting": Tab(_mark("Waiting"), ("queued", "retrying"), counted=True),
    "running": Tab(_mark("Running"), ("running", "waiting"), counted=True),
    "failed": Tab(_mark("Failed"), ("dead",), parts=True),
    "done": Tab(_mark("Done"), ("succeeded",)),
    "cancelled": Tab(_mark("Cancelled"), ("cancelled",)),
}

TASKS = {
    "library.scan": _mark("Scan a folder"),
    "library.index": _mark("Read tags"),
    "library.analyse": _mark("Listen to recordings"),
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
