"""One trace over a request, the job that it asked for, and the children of that job, as a receiver sees it."""

import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from starlette.testclient import TestClient

from otolith.composition import build_context
from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.requests import RequestLog
from otolith.core.settings import BadSettings, OtelSettings, Settings, load_settings
from otolith.core.tracing import Tracing, summary, trace_parent
from otolith.jobs.running import Run
from tests.jobs.tasks import FAN, NOTE, Bench, Note

SECRET = "Northbound (secret take).flac"
GIVEN = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Receiver:
    """An OTLP/HTTP receiver on this machine, and the spans it was sent."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                receiver.headers.append({"path": self.path, **{k.lower(): v for k, v in self.headers.items()}})
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Nothing of this is for the log of the tests."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    @property
    def spans(self) -> list[Any]:
        requests = [ExportTraceServiceRequest.FromString(body) for body in self.bodies]
        scopes = [scope for told in requests for resource in told.resource_spans for scope in resource.scope_spans]
        return [span for scope in scopes for span in scope.spans]

    def named(self, name: str) -> Any:
        (found,) = [span for span in self.spans if span.name == name]
        return found

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def told(span: Any) -> dict[str, Any]:
    return {pair.key: pair.value.string_value or pair.value.int_value for pair in span.attributes}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with closing(Receiver()) as receiver:
        yield receiver


@pytest.fixture
def traced(settings: Settings, receiver: Receiver) -> Iterator[Context]:
    """A context that sends its spans to the receiver, which has them once it is closed."""
    settings.otel = OtelSettings(endpoint=receiver.url, headers="authorization=Basic%20b2s")
    context = build_context(settings)
    yield context
    context.close()


def app_of(bench: Bench) -> FastAPI:
    app = FastAPI()

    @app.post("/fan/{name}")
    def fan(name: str) -> str:
        return str(bench.submit(FAN, word=name))

    @app.get("/crash")
    def crash() -> None:
        raise RuntimeError(SECRET)

    @app.get("/health")
    def health() -> str:
        return "ok"

    app.add_middleware(RequestLog, tracing=bench.context.tracing)
    return app


def fan_out(run: Run, payload: Note) -> None:
    with run.step() as session:
        run.child(session, NOTE, Note(word=payload.word))


def test_one_trace_joins_the_request_its_job_and_the_child_of_that(traced: Context, receiver: Receiver) -> None:
    bench = Bench(traced)
    bench.does(FAN, fan_out)
    with TestClient(app_of(bench)) as client:
        assert client.post(f"/fan/{SECRET}", headers={"traceparent": GIVEN}).status_code == 200
        assert client.get("/health").status_code == 200
    assert bench.work() == 2
    bench.close()
    traced.close()
    request, job, child = (receiver.named(name) for name in ("POST /fan/{name}", FAN.task, NOTE.task))
    assert request.trace_id.hex() == GIVEN.split("-")[1]
    assert {span.trace_id for span in receiver.spans} == {request.trace_id}, "all in one, and nothing beside it"
    assert request.parent_span_id.hex() == GIVEN.split("-")[2]
    assert (job.parent_span_id, child.parent_span_id) == (request.span_id, job.span_id)
    assert told(request)["http.response.status_code"] == 200
    assert told(child)["otolith.outcome"] == "succeeded"
    below = {name: [span for span in receiver.spans if span.name == name] for name in ("INSERT jobs", "UPDATE jobs")}
    assert {span.parent_span_id for span in below["INSERT jobs"]} == {request.span_id, job.span_id}
    assert job.span_id in {span.parent_span_id for span in below["UPDATE jobs"]}
    assert SECRET.encode() not in b"".join(receiver.bodies)
    assert (receiver.headers[0]["path"], receiver.headers[0]["authorization"]) == ("/v1/traces", "Basic b2s")


def test_failures_are_told_by_their_kind_alone(traced: Context, receiver: Receiver) -> None:
    def fails(_run: Run, _payload: Note) -> None:
        raise ValueError(SECRET)

    bench = Bench(traced)
    bench.does(NOTE, fails)
    bench.submit(NOTE, word=SECRET)
    with TestClient(app_of(bench)) as client:
        assert client.get("/crash").status_code == 500
    bench.slot().work([NOTE.lane])
    bench.close()
    traced.close()
    assert told(receiver.named(NOTE.task))["error.type"] == "ValueError"
    assert told(receiver.named("GET /crash"))["error.type"] == "500"
    assert receiver.named(NOTE.task).trace_id != receiver.named("GET /crash").trace_id
    assert b"secret take" not in b"".join(receiver.bodies)


def test_without_an_endpoint_nothing_is_traced_or_stored(bench: Bench) -> None:
    with TestClient(app_of(bench)) as client:
        job_id = client.post("/fan/x", headers={"traceparent": GIVEN}).json()
    assert bench.job(UUID(job_id)).trace_parent is None
    with bench.context.tracing.span("x", "server") as span, bench.context.database.read(SYSTEM):
        assert trace_parent() is None
    assert span.failure is None


def test_settings_follow_the_names_of_opentelemetry() -> None:
    found = load_settings(
        {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318",
            "OTEL_SERVICE_NAME": "attic",
            "OTEL_EXPORTER_OTLP_HEADERS": "x-key=a%2Cb,other=1",
        }
    ).otel
    assert (found.endpoint, found.service_name) == ("http://collector:4318", "attic")
    assert found.sent_headers == {"x-key": "a,b", "other": "1"}
    assert Tracing(found).on
    off = load_settings({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "OTEL_SDK_DISABLED": "true"})
    assert not Tracing(off.otel).on


def test_traces_without_their_packages_are_refused_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("otolith.core.tracing.importlib.util.find_spec", lambda _name: None)
    with pytest.raises(BadSettings, match=r"otolith\[otel\]"):
        Tracing(OtelSettings(endpoint="http://collector:4318"))
    assert not Tracing(OtelSettings()).on


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("SELECT a.b, c FROM tracks WHERE x = ?", "SELECT tracks"),
        ("WITH picked AS (SELECT id FROM heads FOR UPDATE SKIP LOCKED)\nUPDATE jobs SET x = 1", "UPDATE jobs"),
        ("INSERT INTO seen (id) VALUES (?) ON CONFLICT DO UPDATE SET x = 1", "INSERT seen"),
        ("insert into jobs (id) values (?)", "INSERT jobs"),
        ("SELECT set_config('otolith.actor', ?, true)", None),
        ("BEGIN IMMEDIATE", None),
    ],
)
def test_statements_are_told_by_their_kind_and_table(statement: str, said: str | None) -> None:
    assert summary(statement) == said
