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
