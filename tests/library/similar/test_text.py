"""Search by meaning: through a model that a server on loopback plays, and by words where there is none."""

import datetime as dt
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import delete, func, select, update

from otolith.app import create_app
from otolith.composition import HANDLERS, build_context
from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.db import now
from otolith.core.ids import new_id
from otolith.core.settings import LanguageSettings, Settings
from otolith.jobs.contracts import Handlers
from otolith.jobs.models import Job
from otolith.jobs.service import submit
from otolith.jobs.slot import Slot
from otolith.library.catalogue.links import Lyrics, TrackTerm
from otolith.library.catalogue.models import Term
from otolith.library.similar.engine.wording import LONGEST, Described, describe
from otolith.library.similar.events import VECTORISE, VectorisePayload
from otolith.library.similar.models import TextVector, TrackText
from otolith.library.similar.text_queries import descriptions
from tests.callers import REFUSED, Callers
from tests.connectors.embedding_server import MODEL, EmbeddingsPlayed, Fault, embedding_server
from tests.library.similar.sounds import Made, add, change

Heard = dict[str, float | str | None]
SLOW_AND_SAD: Heard = {"tempo": 62.0, "mode": "minor", "energy": 0.15, "voice": 0.1, "brightness": 900.0}
FAST_AND_HAPPY: Heard = {"tempo": 172.0, "mode": "major", "energy": 0.9, "voice": 0.9, "brightness": 4000.0}


def library(context: Context, workspace: UUID) -> list[UUID]:
    return add(
        context,
        workspace,
        Made("Evening", [1, 0], "Ann", heard=SLOW_AND_SAD, tags={"genre": "Piano"}),
        Made("Morning", [0, 1], "Bob", heard=FAST_AND_HAPPY, tags={"genre": "Rock"}),
        Made("Evening Rock", [1, 1], "Cid", heard=SLOW_AND_SAD, tags={"genre": "Rock"}),
        Made("Mute Piano", None, "Dee"),
    )


@pytest.fixture
def played() -> Iterator[EmbeddingsPlayed]:
    with embedding_server() as played:
        yield played


class WithModel:
    """Settings that name a model; the fixtures below stand in the place of those of every test."""

    @pytest.fixture
    def settings(self, settings: Settings, played: EmbeddingsPlayed) -> Settings:
        language = LanguageSettings(url=played.url, embedding_model=MODEL, timeout=2)
        return settings.model_copy(update={"language": language})

    @pytest.fixture
    def context(self, settings: Settings) -> Iterator[Context]:
        context = build_context(settings)
        yield context
        context.close()

    @pytest.fixture
    def app(self, settings: Settings) -> FastAPI:
        return create_app(settings)

    @pytest.fixture
    def slot(self, context: Context) -> Iterator[Slot]:
        slot = Slot(context, Handlers(HANDLERS), "test")
        yield slot
        slot.close()


def titles(answer: Any) -> list[str]:
    return [item["track"]["title"] for item in answer["items"]]


def ask(caller: Any, text: str, **query: Any) -> Any:
    return caller.get("/api/similar/text", params={"q": text, **query}).json()


def job_of(context: Context) -> Job:
    with context.database.read(SYSTEM) as session:
        newest = select(Job).where(Job.task == "library.vectorise").order_by(Job.id.desc()).limit(1)
        return session.scalars(newest).one()


def run_again(context: Context, slot: Slot) -> None:
    """Run what is to be tried again, without its pause."""
    with context.database.write(SYSTEM) as session:
        session.execute(update(Job).where(Job.state == "retrying").values(state="queued", due_at=None))
    slot.work(["language"])


class TestWithModel(WithModel):
    def test_what_was_said_is_found_by_the_models_vectors(
        self, callers: Callers, context: Context, slot: Slot, played: EmbeddingsPlayed
    ) -> None:
        library(context, callers.home)
        before = ask(callers["viewer"], "slow sad piano")
        assert (before["method"], before["model"]) == ("words", None)
        assert "described" in before["note"]
        started = callers["editor"].post("/api/similar/text")
        assert started.status_code == 202, started.text
        slot.work(["language"])
        assert callers["editor"].get(f"/api/jobs/{started.json()['job_id']}").json()["result"] == {
            "model": MODEL,
            "described": 4,
            "sent": 4,
        }
        answer = ask(callers["viewer"], "very slow, sad minor piano")
        assert (answer["method"], answer["model"], answer["note"], answer["compared"]) == ("meaning", MODEL, None, 4)
        assert titles(answer)[0] == "Evening"
        assert titles(ask(callers["viewer"], "very fast, sung with a voice"))[0] == "Morning"
        asked = len(played.asked)
        ask(callers["viewer"], "very slow, sad minor piano")
        assert len(played.asked) == asked

    def test_only_what_changed_is_sent_again_and_equal_texts_once(
        self, callers: Callers, context: Context, slot: Slot, played: EmbeddingsPlayed
    ) -> None:
        ids = library(context, callers.home)
        twin = [Made("Same", [1]), Made("Same", [1])]
        add(context, callers.home, *twin)
        add(context, callers.elsewhere, *twin)
        for caller in ("editor", "stranger"):
            callers[caller].post("/api/similar/text")
            slot.work(["language"])
        assert sorted(map(len, played.asked)) == [5]
        played.asked.clear()
        callers["editor"].post("/api/similar/text")
        slot.work(["language"])
        assert played.asked == []
        change(context, callers.home, ids[0], title="Night")
        callers["editor"].post("/api/similar/text")
        slot.work(["language"])
        ((text,),) = played.asked
        assert text.startswith("Night by Ann")
        assert "Night" in titles(ask(callers["viewer"], "Night by Ann"))

    def test_by_the_clock_every_catalogue_that_changed_is_described_and_leftovers_go(
        self, callers: Callers, context: Context, slot: Slot, played: EmbeddingsPlayed
    ) -> None:
        ids = library(context, callers.home)

        def by_the_clock() -> int:
            with context.database.write(SYSTEM) as session:
                submit(session, VECTORISE, VectorisePayload())
            slot.work(["language"])
            with context.database.read(SYSTEM) as session:
                return session.scalar(select(func.count()).select_from(TextVector)) or 0

        assert by_the_clock() == 4
        change(context, callers.home, ids[0], title="Night")
        assert by_the_clock() == 5
        assert by_the_clock() == 4
        assert len(played.asked) == 2

    def test_what_a_server_failed_at_one_day_is_asked_again_on_the_next(
        self, context: Context, callers: Callers, slot: Slot, played: EmbeddingsPlayed, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        library(context, callers.home)

        def by_the_clock() -> None:
            with context.database.write(SYSTEM) as session:
                submit(session, VECTORISE, VectorisePayload())
            slot.work(["language"])

        by_the_clock()
        with context.database.write(SYSTEM) as session:
            # As it is left when the server was away for longer than it was asked again.
            session.execute(delete(TextVector))
            session.execute(delete(TrackText))
            session.execute(update(Job).values(state="dead"))
        by_the_clock()
        assert len(played.asked) == 1
        tomorrow = now() + dt.timedelta(days=1)
        monkeypatch.setattr("otolith.library.similar.vectorising.now", lambda: tomorrow)
        by_the_clock()
        assert len(played.asked) == 2

    def test_a_server_that_is_busy_is_asked_again_when_it_said(
        self, callers: Callers, context: Context, slot: Slot, played: EmbeddingsPlayed
    ) -> None:
        library(context, callers.home)
        played.faults += [Fault(429, "", {"Retry-After": "120"}), Fault(500, '{"error": "out of memory"}')]
        callers["editor"].post("/api/similar/text")
        slot.work(["language"])
        job = job_of(context)
        assert job.state == "retrying"
        assert job.due_at is not None
        assert (job.due_at - job.created_at).total_seconds() > 100
        run_again(context, slot)
        assert "out of memory" in str(job_of(context).error)
        run_again(context, slot)
        assert job_of(context).state == "succeeded"
        assert ask(callers["viewer"], "piano")["method"] == "meaning"

    def test_vectors_of_another_length_are_refused_until_all_is_described_anew(
        self, callers: Callers, context: Context, slot: Slot, played: EmbeddingsPlayed
    ) -> None:
        ids = library(context, callers.home)
        callers["editor"].post("/api/similar/text")
        slot.work(["language"])
        played.dimensions = 100
        change(context, callers.home, ids[0], title="Night")
        callers["editor"].post("/api/similar/text")
        slot.work(["language"])
        assert "gives vectors of 100 numbers, and those kept have 384" in str(job_of(context).error)
        assert callers["editor"].post("/api/similar/text", params={"anew": True}).status_code == 403
        assert callers["admin"].post("/api/similar/text", params={"anew": True}).status_code == 202
        run_again(context, slot)
        with context.database.read(SYSTEM) as session:
            assert set(session.scalars(select(TextVector.dimensions))) == {100}
            assert session.scalar(select(func.count()).select_from(TrackText)) == 4

    def test_a_model_that_does_not_answer_leaves_the_search_to_words(
        self, callers: Callers, context: Context, slot: Slot, played: EmbeddingsPlayed
    ) -> None:
        library(context, callers.home)
        callers["editor"].post("/api/similar/text")
        slot.work(["language"])
        played.faults.append(Fault(503, "", {"Retry-After": "60"}))
        for _ in range(2):
            answer = ask(callers["viewer"], "slow sad piano")
            assert answer["method"] == "words"
            assert "does not answer" in answer["note"]
            assert played.url not in answer["note"]
            assert titles(answer)[0] == "Evening"
        # The second question did not ask a server that wants to be left alone.
        assert played.faults == []
        assert len(played.asked) == 1

    def test_a_question_that_the_model_refuses_leaves_the_others_to_it(
        self, callers: Callers, context: Context, slot: Slot, played: EmbeddingsPlayed
    ) -> None:
        library(context, callers.home)
        callers["editor"].post("/api/similar/text")
        slot.work(["language"])
        played.poison = "venom"
        assert ask(callers["viewer"], "slow venom")["method"] == "words"
        assert ask(callers["viewer"], "slow sad piano")["method"] == "meaning"
        asked = len(played.asked)
        assert ask(callers["viewer"], "slow venom")["method"] == "words"
        assert len(played.asked) == asked

    def test_a_text_that_the_model_refuses_keeps_no_other_from_being_described(
        self, callers: Callers, context: Context, slot: Slot, played: EmbeddingsPlayed
    ) -> None:
        ids = library(context, callers.home)
        change(context, callers.home, ids[2], title="Venom")
        played.poison = "Venom"
        callers["editor"].post("/api/similar/text")
        slot.work(["language"])
        assert job_of(context).state == "succeeded"
        with context.database.read(SYSTEM) as session:
            assert session.scalar(select(func.count()).select_from(TextVector)) == 3
        asked = len(played.asked)
        callers["editor"].post("/api/similar/text")
        slot.work(["language"])
        assert len(played.asked) == asked

    def test_a_server_that_refuses_everything_is_no_fault_of_the_texts(
        self, callers: Callers, context: Context, slot: Slot, played: EmbeddingsPlayed
    ) -> None:
        library(context, callers.home)
        played.poison = ""
        callers["editor"].post("/api/similar/text")
        slot.work(["language"])
        assert "input cannot be processed" in str(job_of(context).error)
        with context.database.read(SYSTEM) as session:
            assert session.scalar(select(func.count()).select_from(TrackText)) == 0

    def test_nobody_finds_a_strangers_tracks(self, callers: Callers, context: Context, slot: Slot) -> None:
        library(context, callers.home)
        add(context, callers.elsewhere, Made("Theirs", [1], "Zoe", tags={"genre": "Piano"}))
        for caller in ("editor", "stranger"):
            callers[caller].post("/api/similar/text")
        slot.work(["language"])
        assert titles(ask(callers["stranger"], "piano")) == ["Theirs"]
        assert "Theirs" not in titles(ask(callers["viewer"], "Theirs by Zoe"))
        elsewhere = callers["viewer"].get("/api/similar/text", params={"q": "a", "workspace": str(callers.elsewhere)})
        assert elsewhere.status_code == 404
        for kind in REFUSED:
            assert callers[kind].get("/api/similar/text", params={"q": "piano"}).status_code == 401
            assert callers[kind].post("/api/similar/text").status_code == 401
        for kind in ("viewer", "readonly"):
            assert callers[kind].post("/api/similar/text").status_code == 403
        assert callers["stranger"].post(f"/api/similar/text?workspace={callers.home}").status_code == 404


class TestWithoutModel:
    def test_words_and_features_answer_and_say_so(self, callers: Callers, context: Context) -> None:
        library(context, callers.home)
        answer = ask(callers["viewer"], "A slow, sad PIANO")
        assert (answer["method"], answer["model"]) == ("words", None)
        assert "OTOLITH_LANGUAGE_EMBEDDING_MODEL" in answer["note"]
        assert titles(answer)[0] == "Evening"
        assert answer["items"][0]["words"] == ["slow", "sad", "piano"]
        assert "Mute Piano" in titles(answer)
        assert titles(ask(callers["viewer"], "joyeux et rapide"))[0] == "Morning"
        assert titles(ask(callers["viewer"], "slow rock"))[0] == "Evening Rock"

    def test_what_nothing_fits_and_what_says_nothing(self, callers: Callers, context: Context) -> None:
        library(context, callers.home)
        for text in ("zither", "some music", "%", "_", "!?", "\\"):
            assert ask(callers["viewer"], text)["items"] == []
        assert callers["viewer"].get("/api/similar/text").status_code == 422
        assert callers["viewer"].get("/api/similar/text", params={"q": "x" * 501}).status_code == 422

    def test_nothing_can_be_described(self, callers: Callers) -> None:
        answer = callers["editor"].post("/api/similar/text")
        assert answer.status_code == 409
        assert "OTOLITH_LANGUAGE_EMBEDDING_MODEL" in answer.json()["detail"]

    def test_nobody_finds_a_strangers_tracks_by_words(self, callers: Callers, context: Context) -> None:
        library(context, callers.home)
        assert ask(callers["stranger"], "slow sad piano")["items"] == []


class TestDescription:
    def test_it_says_what_is_known(self) -> None:
        text = describe(
            Described(
                "Blue", "Ann", "Sea", 1999, ["Jazz", "Modal"], ["calm"], "la\n la " * 400, {**SLOW_AND_SAD, "tempo": 63}
            )
        )
        assert text.startswith("Blue by Ann. From Sea (1999). Genre: Jazz, Modal. Mood: calm. It sounds very slow, ")
        assert "minor key, sad" in text
        assert "instrumental" in text
        assert "Lyrics: la la" in text
        assert len(text) <= LONGEST

    def test_nothing_but_a_title_is_enough(self) -> None:
        assert describe(Described("x" * 5000)) == "x" * LONGEST
        assert describe(Described("Blue")) == "Blue"

    def test_terms_and_lyrics_of_the_catalogue_are_part_of_it(self, callers: Callers, context: Context) -> None:
        (track,) = add(context, callers.home, Made("Blue", [1]))
        of = {"workspace_id": callers.home}
        with context.database.write(SYSTEM) as session:
            for place, (kind, name) in enumerate((("genre", "Jazz"), ("mood", "calm"), ("genre", "Modal"))):
                term = Term(id=new_id(), kind=kind, name=name, name_key=name.casefold(), **of)
                session.add(term)
                session.flush()
                session.add(TrackTerm(track_id=track, term_id=term.id, position=place, name=name, **of))
            session.add(Lyrics(track_id=track, source="embedded", synced=False, text="so what", **of))
        with context.database.read(SYSTEM) as session:
            assert descriptions(session, [track]) == {
                track: "Blue by Ann. Genre: Jazz, Modal. Mood: calm. Lyrics: so what"
            }
