"""The warm helper process: what it hears, and what becomes of it and of us when something goes wrong."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import mutagen.flac
import psutil
import pytest

from otolith.media.listening import Limits, Listener, ListenFailure
from tests import hostile_bytes

ROOT = Path(__file__).parents[2]
EARS = "tests.media.ears"
HEARING = [f"{EARS}:Ear", f"{EARS}:Mono", f"{EARS}:Short"]


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


@pytest.fixture(scope="module")
def module_listener() -> Iterator[Listener]:
    with Listener(extra_modules=(EARS,)) as listener:
        yield listener


@pytest.fixture
def listener(module_listener: Listener, _importable: None) -> Listener:
    return module_listener


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "recording.mp3"
    path.write_bytes(hostile_bytes.mp3())
    return path


def test_one_decode_feeds_every_engine(listener: Listener, recording: Path) -> None:
    heard = listener.listen(recording, HEARING)
    assert heard.results["ear"]["samples"] == 5 * 44100
    assert heard.results["mono"]["samples"] == 5 * 22050
    assert heard.results["short"]["samples"] == 5 * 11025
    assert heard.versions == {"ear": 1, "mono": 1, "short": 1}
    assert (
        heard.sha256 == subprocess.run(["sha256sum", recording], capture_output=True, check=True).stdout[:64].decode()
    )


def test_the_helper_stays_warm(listener: Listener, recording: Path) -> None:
    listener.listen(recording, HEARING)
    first = listener.pid
    listener.listen(recording, HEARING)
    assert listener.pid == first


def test_progress_reaches_the_end(listener: Listener, recording: Path) -> None:
    seen: list[tuple[float, float]] = []
    heard = listener.listen(recording, HEARING, on_progress=lambda share, seconds: seen.append((share, seconds)))
    assert seen == sorted(seen)
    assert seen[-1] == (1.0, heard.duration)


def test_an_engine_that_breaks_down_does_not_stop_the_others(listener: Listener, recording: Path) -> None:
    heard = listener.listen(recording, [f"{EARS}:Raises", *HEARING])
    assert heard.failed == {"raises": "raises broke down: ValueError: this is not music"}
    assert set(heard.results) == {"ear", "mono", "short"}


@pytest.mark.parametrize(
    ("engine", "kind", "limits"),
    [
        ("Loops", "timeout", Limits(stall_seconds=0.6)),
        ("Loops", "timeout", Limits(wall_seconds=0.6)),
        ("Hangs", "timeout", Limits(stall_seconds=0.6)),
        ("Eats", "memory", Limits(memory_bytes=128 << 20)),
        ("Crashes", "crash", Limits()),
        ("Leaves", "crash", Limits()),
    ],
)
def test_a_helper_that_goes_wrong_is_replaced(
    listener: Listener, recording: Path, engine: str, kind: str, limits: Limits
) -> None:
    listener.listen(recording, HEARING)
    before = listener.pid
    with pytest.raises(ListenFailure) as failure:
        listener.listen(recording, [f"{EARS}:{engine}"], limits)
    assert failure.value.kind == kind
    assert failure.value.detail.endswith(".")
    assert listener.listen(recording, HEARING).duration == 5.0
    assert before is not None
    assert not psutil.pid_exists(before)


def test_what_engines_print_does_not_get_between_the_replies(listener: Listener, recording: Path) -> None:
    assert "chatters" in listener.listen(recording, [f"{EARS}:Chatters"]).results


def test_only_engines_are_imported(listener: Listener, recording: Path) -> None:
    for name in ("os:path", "otolith.core.settings:Settings", "otolith.media.engine.decode", "subprocess:Popen"):
        with pytest.raises(ListenFailure) as failure:
            listener.listen(recording, [name])
        assert failure.value.kind == "engine"


def test_cancelling_from_another_thread(listener: Listener, recording: Path) -> None:
    timer = threading.Timer(0.5, listener.cancel)
    timer.start()
    with pytest.raises(ListenFailure) as failure:
        listener.listen(recording, [f"{EARS}:Hangs"])
    timer.join()
    assert failure.value.kind == "cancelled"
    assert listener.pid is None


def test_what_progress_raises_ends_the_call(listener: Listener, recording: Path) -> None:
    def stop(_share: float, _seconds: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        listener.listen(recording, HEARING, on_progress=stop)
    assert listener.pid is None


def test_an_idle_helper_ends_and_the_next_call_starts_another(recording: Path) -> None:
    with Listener(idle_seconds=0.2, extra_modules=(EARS,)) as listener:
        listener.listen(recording, HEARING)
        pid = listener.pid
        assert pid is not None
        psutil.Process(pid).wait(10)
        assert listener.listen(recording, HEARING).duration == 5.0
        assert listener.pid != pid


def test_a_helper_killed_between_calls_is_replaced(listener: Listener, recording: Path) -> None:
    listener.listen(recording, HEARING)
    assert listener.pid is not None
    os.kill(listener.pid, signal.SIGKILL)
    assert listener.listen(recording, HEARING).duration == 5.0


@pytest.mark.parametrize("engine", ["Loops", "Hangs"])
def test_the_helper_dies_with_its_parent(recording: Path, engine: str) -> None:
    """Even where native code holds the interpreter, so that no thread of the helper could see the pipe close."""
    script = (
        "import threading\n"
        "from otolith.media.listening import Listener\n"
        f"listener = Listener(extra_modules=({EARS!r},))\n"
        f"listener.listen({str(recording)!r}, ['{EARS}:Ear'])\n"
        "print(listener.pid, flush=True)\n"
        f"listener.listen({str(recording)!r}, ['{EARS}:{engine}'])\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, cwd=ROOT) as parent:
        assert parent.stdout is not None
        helper = psutil.Process(int(parent.stdout.readline()))
        time.sleep(0.3)
        parent.kill()
    assert ended(helper)


def ended(process: psutil.Process) -> bool:
    """Whether a process is gone within ten seconds; one that nobody has buried yet is gone too."""
    for _ in range(1000):
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.01)
    return False


def test_the_helper_is_told_no_secrets(
    monkeypatch: pytest.MonkeyPatch, recording: Path, module_listener: Listener
) -> None:
    monkeypatch.setenv("OTOLITH_SECRET_KEY", "hush")
    with Listener(extra_modules=(EARS,)) as listener:
        listener.listen(recording, HEARING)
        assert listener.pid is not None
        assert "OTOLITH_SECRET_KEY" not in psutil.Process(listener.pid).environ()


def test_limits_have_failures_of_their_own(listener: Listener, tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    path.write_bytes(hostile_bytes.wav(hostile_bytes.pcm(2, channels=4), channels=4))
    for limits, kind in (
        (Limits(max_bytes=1000), "too_large"),
        (Limits(max_seconds=1.0), "too_long"),
        (Limits(max_channels=2), "too_many_channels"),
        (Limits(max_rate=22050), "rate_too_high"),
    ):
        with pytest.raises(ListenFailure) as failure:
            listener.listen(path, HEARING, limits)
        assert failure.value.kind == kind
        assert not failure.value.transient


def test_tags_of_many_files_at_once(listener: Listener, recording: Path, tmp_path: Path) -> None:
    answers = listener.tags_many([recording, tmp_path / "gone.mp3", tmp_path])
    assert not isinstance(answers[0], ListenFailure)
    assert answers[0].container == "MP3"
    assert [answer.kind for answer in answers[1:] if isinstance(answer, ListenFailure)] == ["vanished", "not_a_file"]


def test_probe_says_what_a_file_really_is(listener: Listener, tmp_path: Path) -> None:
    path = tmp_path / "called.mp3"
    path.write_bytes(hostile_bytes.flac())
    sound = listener.probe(path)
    assert (sound.container, sound.codec, sound.mime, sound.extension) == ("FLAC", "flac", "audio/flac", "flac")
    assert (sound.rate, sound.channels, sound.layout, sound.bits, sound.lossless) == (44100, 2, ("FL", "FR"), 16, True)
    assert sound.duration == 5.0


def test_a_cover_comes_with_its_true_type(listener: Listener, recording: Path, tmp_path: Path) -> None:
    path = tmp_path / "x.flac"
    path.write_bytes(hostile_bytes.flac())
    opened = mutagen.flac.FLAC(path)
    picture = mutagen.flac.Picture()
    picture.data, picture.mime = b"\x89PNG\r\n\x1a\n" + bytes(100), "image/jpeg"
    opened.add_picture(picture)
    opened.save()
    assert listener.cover(path) == ("image/png", picture.data)
    assert listener.cover(recording) is None


def test_an_answer_that_makes_no_sense_is_a_crash(listener: Listener, recording: Path) -> None:
    with pytest.raises(ListenFailure) as failure:
        listener.listen(recording, [f"{EARS}:Babbles"])
    assert failure.value.kind == "crash"
    assert listener.listen(recording, HEARING).duration == 5.0
