"""Libraries of any size, put straight into the tables: names and words are as frequent as they are in real ones."""

import itertools
import random
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import JSON, Boolean, Float, Integer, LargeBinary, Table, Uuid, make_url

from otolith.core.db import UtcDateTime
from otolith.core.ids import new_id
from otolith.library.folding import fold
from otolith.migrations.tables import METADATA

AT_ONCE = 20_000
LYRICAL = 0.15
COMMON = str.split("the of a in love you and to me my is on it for i no all we night be life with from heart one time")
GENRES = str.split(
    "Rock Pop Jazz Electronic Classical Hip-Hop Folk Metal Soul Blues Reggae Country Ambient House Techno Punk Funk "
    "Latin Soundtrack Indie Disco Gospel Ska Trance Grunge"
)
EPOCH = "2024-01-01 00:00:00.000000"
Row = dict[str, Any]


@dataclass(frozen=True)
class Vocabulary:
    """Words by how often they come, after Zipf."""

    words: list[str]
    weights: list[float]

    @classmethod
    def of(cls, rng: random.Random, size: int) -> "Vocabulary":
        onsets = str.split("b c d f g h j k l m n p r s t v w br ch cl cr dr fl gr pl sh st th tr")
        vowels = str.split("a e i o u a e i o ai ea ou")
        ends = ["", "", "", "n", "r", "s", "t", "l", "m", "d", "ck", "nd", "ng"]
        made = dict.fromkeys(COMMON)
        while len(made) < size:
            syllables = rng.choices((1, 2, 3, 4), (2, 5, 3, 1))[0]
            made["".join(rng.choice(onsets) + rng.choice(vowels) + rng.choice(ends) for _ in range(syllables))] = None
        words = list(made)
        return cls(words, list(itertools.accumulate(1 / (rank + 3) for rank in range(len(words)))))

    def some(self, rng: random.Random, count: int) -> str:
        return " ".join(rng.choices(self.words, cum_weights=self.weights, k=count))


class Tables:
    """The way into a database that takes many rows quickly."""

    def __init__(self, url: str) -> None:
        parsed = make_url(url)
        self.sqlite = sqlite3.connect(str(parsed.database)) if parsed.get_backend_name() == "sqlite" else None
        plain = parsed.set(drivername="postgresql").render_as_string(hide_password=False)
        self.postgres = None if self.sqlite is not None else psycopg.connect(plain)
        if self.sqlite is not None:
            self.sqlite.execute("PRAGMA synchronous=OFF")
        if self.postgres is not None:
            self.postgres.execute("SELECT set_config('otolith.actor', 'system', false)")

    def fill(self, name: str, rows: Sequence[Row]) -> None:
        """Put in rows of the same columns; what else a row must have is empty."""
        if not rows:
            return
        table = METADATA.tables[name]
        empty = {column.name: _empty(table, column.name) for column in table.columns if not column.nullable}
        names = list(empty | rows[0])
        values = ([row[one] if one in row else empty[one] for one in names] for row in rows)
        if self.sqlite is not None:
            marks = ", ".join("?" * len(names))
            statement = f"INSERT INTO {name} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608 -- Names of ours.
            self.sqlite.executemany(statement, ([_for_sqlite(value) for value in row] for row in values))
            self.sqlite.commit()
        if self.postgres is not None:
            # No COPY reaches a table under row-level security, and none is slower than one statement a row.
            columns = ", ".join(names)
            self.postgres.execute(f"CREATE TEMP TABLE filled (LIKE {name}) ON COMMIT DROP".encode())
            with (
                self.postgres.cursor() as cursor,
                cursor.copy(f"COPY filled ({columns}) FROM STDIN".encode()) as copy,
            ):
                for row in values:
                    copy.write_row(row)
            move = f"INSERT INTO {name} ({columns}) SELECT {columns} FROM filled"  # noqa: S608 -- Names of ours.
            self.postgres.execute(move.encode())
            self.postgres.commit()

    def close(self) -> None:
        for connection in (self.sqlite, self.postgres):
            if connection is not None:
                connection.execute("ANALYZE")
                connection.commit()
                connection.close()


def _empty(table: Table, name: str) -> Any:
    kind = table.columns[name].type
    if isinstance(kind, JSON):
        return "[]" if name in ("notes", "segments", "timbre") else "{}"
    if isinstance(kind, Boolean):
        return False
    if isinstance(kind, Integer | Float):
        return 0
    if isinstance(kind, LargeBinary):
        return b""
    return EPOCH if isinstance(kind, UtcDateTime) else None if isinstance(kind, Uuid) else ""


def _for_sqlite(value: Any) -> Any:
    return value.hex if isinstance(value, UUID) else value


@dataclass(frozen=True)
class Album:
    """An album while it is made up."""

    id: UUID
    title: str
    artist_id: UUID
    artist: str
    year: int
    genre: int


def fill(url: str, workspace: UUID, tracks: int, *, listener: UUID | None = None, seed: int = 7) -> None:
    """Make a library of so many tracks in a workspace of a migrated database."""
    rng = random.Random(seed)  # noqa: S311 -- The same library every time.
    vocabulary = Vocabulary.of(rng, max(5_000, min(300_000, tracks // 3)))
    tables = Tables(url)
    artists = list(_artists(rng, vocabulary, max(1, tracks // 20)))
    tables.fill("catalogues", [{"workspace_id": workspace, "version": 1}])
    tables.fill("artists", [{**artist, "workspace_id": workspace, "version": 1} for artist in artists])
    albums = list(_albums(rng, vocabulary, artists, max(1, tracks // 11)))
    tables.fill("albums", [_album_row(album, workspace) for album in albums])
    terms = [(new_id(), genre) for genre in GENRES]
    tables.fill("terms", [_term_row(term, genre, workspace) for term, genre in terms])
    made = _tracks(rng, vocabulary, albums, terms, workspace, tracks, listener)
    while some := list(itertools.islice(made, AT_ONCE)):
        for name in ("analyses", "media", "tracks", "credits", "track_terms", "lyrics", "listenings"):
            tables.fill(name, [row for rows in some for row in rows.get(name, ())])
    tables.close()


def _artists(rng: random.Random, vocabulary: Vocabulary, count: int) -> Iterator[Row]:
    for number in range(count):
        name = vocabulary.some(rng, rng.choices((1, 2, 3), (4, 5, 2))[0]).title()
        name = f"The {name}" if rng.random() < 0.12 else name
        yield {"id": new_id(), "identity": f"n:{number}", "name": name, "name_key": fold(name), "sort_key": fold(name)}


def _albums(rng: random.Random, vocabulary: Vocabulary, artists: Sequence[Row], count: int) -> Iterator[Album]:
    weights = list(itertools.accumulate(1 / (rank + 20) for rank in range(len(artists))))
    for _ in range(count):
        artist = rng.choices(artists, cum_weights=weights)[0]
        title = vocabulary.some(rng, rng.choices((1, 2, 3, 4), (3, 5, 3, 2))[0]).title()
        genre = min(len(GENRES) - 1, int(rng.expovariate(0.25)))
        yield Album(new_id(), title, artist["id"], artist["name"], rng.randint(1955, 2025), genre)


def _album_row(album: Album, workspace: UUID) -> Row:
    return {
        "id": album.id,
        "workspace_id": workspace,
        "identity": album.id.hex,
        "title": album.title,
        "title_key": fold(album.title),
        "artist": album.artist,
        "artist_key": fold(album.artist),
        "year": album.year,
        "discs": 1,
        "tracks": 11,
        "version": 1,
    }


def _term_row(term: UUID, genre: str, workspace: UUID) -> Row:
    return {"id": term, "workspace_id": workspace, "kind": "genre", "name": genre, "name_key": fold(genre)}


def _tracks(
    rng: random.Random,
    vocabulary: Vocabulary,
    albums: Sequence[Album],
    terms: Sequence[tuple[UUID, str]],
    workspace: UUID,
    count: int,
    listener: UUID | None,
) -> Iterator[Mapping[str, Sequence[Row]]]:
    """The rows of each track, by table."""
    for number in range(count):
        album = albums[number // 11 % len(albums)]
        title = vocabulary.some(rng, rng.choices((1, 2, 3, 4, 5, 6), (3, 6, 6, 4, 2, 1))[0]).capitalize()
        track, sha256, (term, genre) = new_id(), f"{number:064x}", terms[album.genre]
        own = {"workspace_id": workspace, "track_id": track}
        rows: dict[str, Sequence[Row]] = {
            "analyses": [_analysis(rng, sha256)],
            **_track(number, track, album, title, genre, workspace, sha256),
            "credits": [
                own
                | {"role": "artist", "artist_id": album.artist_id, "name": album.artist, "name_key": "", "position": 0}
            ],
            "track_terms": [own | {"term_id": term, "name": genre, "position": 0}],
        }
        if rng.random() < LYRICAL:
            rows["lyrics"] = [own | {"source": "embedded", "synced": False, "text": vocabulary.some(rng, 160)}]
        if listener is not None and rng.random() < 0.02:
            rows["listenings"] = [own | {"user_id": listener, "plays": rng.randint(1, 50), "rating": rng.randint(1, 5)}]
        yield rows


def _analysis(rng: random.Random, sha256: str) -> Row:
    hour, letter = rng.randint(1, 12), rng.choice("AB")
    return {
        "sha256": sha256,
        "duration": rng.uniform(90, 420),
        "tempo": rng.gauss(118, 25),
        "camelot": f"{hour}{letter}",
        "loudness_lufs": rng.gauss(-10, 3),
        "energy": rng.random(),
    }


def _track(
    number: int, track: UUID, album: Album, title: str, genre: str, workspace: UUID, sha256: str
) -> Mapping[str, Sequence[Row]]:
    media, path = new_id(), f"/music/{number}.flac".encode()
    codec = ("flac", "mp3", "mp3", "opus", "aac")[album.year % 5]
    of_media: Row = {"id": media, "workspace_id": workspace, "name": f"{number}.flac", "sha256": sha256}
    of_media |= {"path": path, "path_digest": number.to_bytes(32, "big"), "codec": codec, "container": codec.upper()}
    of_media |= {"size": 9_000_000, "bit_rate": 256_000, "sample_rate": 44_100, "lossless": codec == "flac"}
    of_track: Row = {"id": track, "workspace_id": workspace, "media_id": media, "title": title}
    of_track |= {"title_key": fold(title), "artist": album.artist, "artist_key": fold(album.artist), "genre": genre}
    of_track |= {"album": album.title, "album_id": album.id, "year": album.year, "track_number": number % 11 + 1}
    of_track |= {"disc_number": 1, "state": "analysed", "version": 1}
    return {"media": [of_media], "tracks": [of_track]}
