"""What all commands share: their common options, their output, their errors, and the way to a running server."""

import errno
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn

import typer
from rich.console import Console

from otolith.core.errors import AppError
from otolith.core.settings import Settings, load_settings

if TYPE_CHECKING:
    import httpx

DataOption = Annotated[
    Path | None,
    # Whether it may be read is for the commands to say, the doctor above all.
    typer.Option("--data", metavar="DIR", readable=False, help="The data folder (OTOLITH_DATA).", show_default=False),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout and nothing else.")]
ServerOption = Annotated[
    str | None,
    typer.Option(
        "--server",
        metavar="URL",
        envvar="OTOLITH_SERVER",
        help="Work through the API of a running Otolith.",
        show_default=False,
    ),
]
TokenOption = Annotated[
    str | None,
    typer.Option(
        "--token", metavar="TOKEN", envvar="OTOLITH_TOKEN", help="API token for --server.", show_default=False
    ),
]

FAILED = 1
USAGE = 2
# What the machine's owner can mend, and no traceback explains better.
_TOLD = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT})
# How long one call to a server waits in all: for its turn, which limits by the minute never delay by so much, and for
# something that is just being read or restarted.
_PATIENCE: Final = {429: 600.0, 503: 30.0}


def error_console() -> Console:
    """The console for people beside the machine's stdout; it obeys NO_COLOR and knows when it is no terminal."""
    return Console(stderr=True)


def print_json(document: Any) -> None:
    """Print one JSON document, the only thing on stdout under --json."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False, default=str) + "\n")
    sys.stdout.flush()


def fail(message: str, *, code: int = FAILED, as_json: bool = False) -> NoReturn:
    """End the command with a sentence on stderr, and with `as_json` as the one document on stdout too."""
    if as_json:
        print_json({"error": message})
    error_console().print(f"[bold red]Error:[/] {_escape(message)}", highlight=False, soft_wrap=True)
    raise typer.Exit(code)


def one_line(text: str) -> str:
    """A path or name as one line that a terminal can show, whatever it holds."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def _escape(text: str) -> str:
    return text.replace("[", r"\[")


@contextmanager
def plain_errors(*, as_json: bool = False) -> Iterator[None]:
    """Turn what the house raises on purpose into a sentence and exit code 1; nothing may have been printed before."""
    try:
        yield
    except AppError as error:
        fail(error.detail, as_json=as_json)
    except OSError as error:
        if error.errno not in _TOLD:
            raise
        where = f"{error.filename}: " if error.filename else ""
        fail(f"{where}{error.strerror}. `otolith doctor` says more about disks, owners and rights.", as_json=as_json)
    except KeyboardInterrupt:
        fail("Interrupted.", code=130, as_json=as_json)


def settings_for(data: Path | None, **overrides: Any) -> Settings:
    """The settings of a command: the environment, and what its options say."""
    return load_settings(data=data, **overrides)


class RemoteFailure(AppError):
    """The server refused."""

    status = 502


class Remote:
    """A running Otolith, reached through its API with a token."""

    # Not before this moment is another request let through, and so many seconds apart none is one too many.
    _turn = 0.0
    _pace = 0.0
    _said = False

    def __init__(self, server: str, token: str | None) -> None:
        # Local work does not pay for the HTTP client's import.
        import httpx

        base = server.rstrip("/")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._connection_error = httpx.TransportError
        self.base = base if base.endswith("/api") else f"{base}/api"
        self.client = httpx.Client(base_url=self.base, headers=headers, timeout=httpx.Timeout(30, read=120))

    def request(self, method: str, path: str, **options: Any) -> Any:
        """The JSON answer of one call; a problem document becomes an error with its detail."""
        text = self.text(method, path, **options)
        return json.loads(text) if text else None

    def text(self, method: str, path: str, **options: Any) -> str:
        """As `request`, for an answer that is no JSON."""
        response = self._answered(method, path, **options)
        if response.is_error:
            raise RemoteFailure(self._detail(response.status_code, response.text))
        return response.text

    def _answered(self, method: str, path: str, **options: Any) -> "httpx.Response":
        """The answer to one call, sent again for as long as the server only asks to wait."""
        patience = dict(_PATIENCE)
        while True:
            self._wait_for(self._turn - time.monotonic())
            if hasattr(options.get("content"), "seek"):
                options["content"].seek(0)
            response = self._sent(method, path, **options)
            wait, status = _asked_to_wait(method, response), response.status_code
            if wait is None or wait > patience[status]:
                return response
            patience[status] -= wait
            self._wait_for(wait)

    def _sent(self, method: str, path: str, **options: Any) -> "httpx.Response":
        try:
            response = self.client.request(method, path, **options)
        except self._connection_error as error:
            detail = (
                f"No Otolith answers at {self.base}: {str(error).rstrip('.')}. Check the address given by --server."
            )
            raise RemoteFailure(detail) from error
        limit, left, reset = (
            _whole(response.headers.get(f"RateLimit-{name}")) for name in ("Limit", "Remaining", "Reset")
        )
        if limit is not None and left is not None and reset is not None and reset <= _PATIENCE[429]:
            # A file that is sent only to be refused is sent twice, so a limit known to be spent is waited for before.
            self._turn = time.monotonic() + (reset if left <= 0 and not response.is_error else 0)
            self._pace = 0.0 if 2 * left > limit else reset / (left + 1)
        return response

    def _wait_for(self, seconds: float) -> None:
        if seconds <= 0:
            return
        if not self._said:
            sentence = f"The server asks to wait for {seconds:.0f} s before it is asked again; waiting."
            error_console().print(sentence, markup=False, highlight=False, soft_wrap=True)
            self._said = True
        time.sleep(seconds)

    def pause(self, seconds: float) -> None:
        """Wait before asking again how far something is: longer where half of what one may ask has been asked."""
        time.sleep(max(seconds, self._pace))

    def get(self, path: str, **params: Any) -> Any:
        return self.request("GET", path, params={name: value for name, value in params.items() if value is not None})

    def post(self, path: str, body: Any = None, **options: Any) -> Any:
        return self.request("POST", path, json=body, **options)

    @staticmethod
    def _detail(status: int, body: str) -> str:
        try:
            detail = json.loads(body).get("detail", "")
        except (ValueError, AttributeError):
            detail = body[:200]
        hint = " Give a valid token with --token or OTOLITH_TOKEN." if status == 401 else ""
        return f"{detail} (HTTP {status}){hint}"

    def close(self) -> None:
        self.client.close()


def _asked_to_wait(method: str, response: "httpx.Response") -> float | None:
    """The seconds after which the same call may succeed; None where waiting is no answer, as with a spent quota."""
    wait = _whole(response.headers.get("Retry-After"))
    too_many = response.status_code == 429 and "urn:otolith:problem:too-many-requests" in response.text
    # Nobody knows how far a change went that something was not available for.
    is_resting = response.status_code == 503 and method == "GET"
    return max(1.0, wait) if wait is not None and (too_many or is_resting) else None


def _whole(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdecimal() else None


def main_of(app: typer.Typer) -> Callable[[], None]:
    """The program's entry: the commands of `app`, with the house's errors made plain."""

    def main() -> None:
        with plain_errors_at_exit():
            app()

    return main


@contextmanager
def plain_errors_at_exit() -> Iterator[None]:
    """As `plain_errors`, outside of typer's own handling."""
    try:
        with plain_errors():
            yield
    except typer.Exit as error:
        sys.exit(error.exit_code)
