"""The Celery application: one task, the bell, and a queue for each lane; it carries no work, only "look"."""

from pathlib import Path
from typing import Any

from celery import Celery
from kombu import Exchange, Queue

from otolith.core.settings import Settings
from otolith.jobs.contracts import LANES

BELL = "otolith.bell"
POLLING_SECONDS = 0.05
# Declared alike by whoever comes first, or RabbitMQ refuses the second.
QUEUE_OPTIONS: dict[str, Any] = {"durable": True, "exclusive": False, "auto_delete": False}


def queue_of(lane: str) -> str:
    return f"otolith.{lane}"


def make_app(settings: Settings) -> Celery:
    """A Celery application for the broker of these settings; nothing connects yet."""
    app = Celery("otolith", set_as_current=False, fixups=[])
    app.conf.update(
        broker_url=settings.effective_broker_url,
        task_queues=[Queue(queue_of(lane), Exchange(""), routing_key=queue_of(lane)) for lane in LANES],
        task_default_queue=queue_of("interactive"),
        task_create_missing_queues=False,
        task_ignore_result=True,
        task_acks_late=False,
        task_publish_retry=False,
        worker_prefetch_multiplier=1,
        worker_pool="prefork",
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_disable_rate_limits=True,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        accept_content=["json"],
        enable_utc=True,
    )
    _tune_transport(app, settings)
    return app


def _tune_transport(app: Celery, settings: Settings) -> None:
    kind = settings.effective_broker_url.split(":", 1)[0]
    if kind == "filesystem":
        bells = make_folder(settings.folder.broker / "bells")
        control = make_folder(settings.folder.broker / "control")
        app.conf.broker_transport = "otolith.jobs.folder_transport:Transport"
        app.conf.broker_transport_options = {
            "data_folder_in": bells,
            "data_folder_out": bells,
            "control_folder": control,
            "polling_interval": POLLING_SECONDS,
        }
    elif kind in ("redis", "rediss", "sentinel"):
        # Bells have no priorities, so one list for each lane is enough.
        app.conf.broker_transport_options = {
            "priority_steps": [0],
            "socket_connect_timeout": 5,
            "socket_keepalive": True,
            "health_check_interval": 30,
        }


def make_folder(path: Path) -> str:
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return str(path)
