"""`otolith analyse`: on this machine without a database, or through a running Otolith."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import quote

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from otolith.core.terminal import (
    DataOption,
    JsonOption,
    Remote,
    RemoteFailure,
    ServerOption,
    TokenOption,
    error_console,
    one_line,
    plain_errors,
    print_json,
    settings_for,
)
from otolith.library.hearing import analyse_file, limits_of
from otolith.media.listening import Listener, ListenFailure

_POLL: Final = 0.3


def analyse(
    files: Annotated[list[str], typer.Argument(metavar="FILE", help="The recordings to hear.")],
    data: DataOption = None,
    server: ServerOption = None,
    token: TokenOption = None,
    as_json: JsonOption = False,
) -> None:
    """Hear recordings and tell how they sound: tempo, beats, key, loudness, fingerprint.

    Nothing is stored, unless a server is named: then they are uploaded to it.

    For example: `otolith analyse song.flac`, or for programs: `otolith analyse *.mp3 --json`
    """
    with plain_errors(as_json=as_json):
        heard = list(_analyse_there(server, token, files) if server else _analyse_here(data, files))
    _show_features(heard, as_json=as_json)


def _analyse_here(data: Path | None, files: Sequence[str]) -> Iterator[dict[str, Any]]:
    limits = limits_of(settings_for(data))
    with Listener() as listener:
        for file in files:
            try:
                yield {"path": _shown(file), **analyse_file(file, listener=listener, limits=limits)}
            except ListenFailure as failure:
                yield {"path": _shown(file), "error": failure.detail, "kind": failure.kind}


def _shown(file: str) -> str:
    return os.fsencode(file).decode("utf-8", "replace")


def _analyse_there(server: str, token: str | None, files: Sequence[str]) -> Iterator[dict[str, Any]]:
    remote = Remote(server, token)
    for file in files:
        try:
            yield {"path": _shown(file), **_uploaded(remote, Path(file))}
        except OSError as error:
            yield {
                "path": _shown(file),
                "error": f"The file could not be read: {error.strerror}.",
                "kind": "unreadable",
            }
        except RemoteFailure as failure:
            yield {"path": _shown(file), "error": failure.detail, "kind": "refused"}


def _uploaded(remote: Remote, path: Path) -> dict[str, Any]:
    """Upload a file, wait until it was heard, and answer as `analyse` does on this machine."""
    name = quote(os.fsencode(path.name), safe="")
    with path.open("rb") as body:
        size = os.fstat(body.fileno()).st_size
        headers = {"X-Filename": name, "Content-Type": "application/octet-stream", "Content-Length": str(size)}
        answer = remote.request("POST", "/media", content=body, headers=headers)
    (item,) = answer["items"]
    if item["problem"] is not None:
        return {"error": item["problem"]["detail"], "kind": item["problem"]["type"].rpartition(":")[2]}
    if item["track_id"] is None:
        raise RemoteFailure("The server stored the file but does not analyse uploads.")
    track = remote.get(f"/tracks/{item['track_id']}")
    while track["state"] == "waiting":
        remote.pause(_POLL)
        track = remote.get(f"/tracks/{item['track_id']}")
    if track["features"] is None:
        return {"error": track["error"], "kind": "failed"}
    heard = remote.get(f"/tracks/{track['id']}/features")
    names = ("container", "codec", "sample_rate", "channels", "bits", "bit_rate", "lossless", "size")
    return {
        **{name: value for name, value in heard.items() if name not in ("embedding", "engines")},
        **remote.get(f"/tracks/{track['id']}/beats"),
        "fingerprint": track["fingerprint"],
        "sha256": track["file"]["sha256"],
        "engines": track["engines"],
        "warnings": track["warnings"],
        "format": {name: track["file"][name] for name in names},
    }


def _show_features(heard: Sequence[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print_json(heard[0] if len(heard) == 1 else list(heard))
    else:
        console = Console(highlight=False)
        for one in heard:
            if "error" not in one:
                console.print(_sheet(one))
    errors = [one for one in heard if "error" in one]
    for one in errors:
        error_console().print(f"{one_line(one['path'])}: {one['error']}", markup=False, highlight=False, soft_wrap=True)
    if errors:
        raise typer.Exit(1)


def _sheet(one: Mapping[str, Any]) -> Table:
    """The features of one recording, for people."""
    form = one["format"]
    table = Table(title=one_line(one["path"]), title_justify="left", box=SIMPLE_HEAD, show_header=False)
    rows = {
        "duration": _clock(one["duration"]),
        "format": f"{form['container']}, {form['codec']}, {form['sample_rate']} Hz, {form['channels']} channels",
        "tempo": _with_confidence(one["tempo"] and f"{one['tempo']:.1f} beats a minute", one["tempo_confidence"]),
        "beats": str(len(one["beats"])),
        "key": _with_confidence(one["key"] and f"{one['key']} {one['mode']} ({one['camelot']})", one["key_confidence"]),
        "loudness": _number(one["loudness_lufs"], "LUFS"),
        "loudness range": _number(one["loudness_range_lu"], "LU"),
        "true peak": _number(one["true_peak_dbtp"], "dBTP"),
        "energy": _share(one["energy"]),
        "voice": _share(one["voice"]),
        "onsets": _number(one["onset_rate"], "a second"),
        "brightness": _number(one["brightness"], "Hz"),
        "dynamics": _number(one["dynamics_db"], "dB"),
        "silence": _ends(one["silence_start"], one["silence_end"]),
        "parts": ", ".join(f"{part['kind']} {_clock(part['start'])}" for part in one["segments"]) or "–",
        "fingerprint": f"{one['fingerprint'][:40]}…" if one["fingerprint"] else "–",
        **{f"warning ({note['kind']})": note["detail"] for note in one["warnings"]},
    }
    for name, value in rows.items():
        table.add_row(name, value)
    return table


def _with_confidence(found: str | None, confidence: float | None) -> str:
    return f"{found}, confidence {confidence:.0%}" if found and confidence is not None else found or "–"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"


def _ends(start: float | None, end: float | None) -> str:
    return "–" if start is None or end is None else f"{start:.1f} s before, {end:.1f} s after"


def _clock(whole: float) -> str:
    minutes, seconds = divmod(whole, 60)
    return f"{minutes:.0f}:{seconds:04.1f}"


def _number(value: float | None, unit: str) -> str:
    return "–" if value is None else f"{value:.1f} {unit}"
