"""Settings: from the environment, under every name that guides use, and refused in words one can act on."""

from pathlib import Path
from typing import Any

import pytest

from otolith.core.seed_names import ALIASES, PLACEHOLDERS
from otolith.core.settings import BadSettings, Settings, known_names, load_settings, unknown_names, weakness

STRONG = "b1f3c5d7e9a1b3c5d7e9a1b3c5d7e9a1"


def load(tmp_path: Path, **environ: str) -> Settings:
    """The settings from these variables and no file."""
    return load_settings({"OTOLITH_ENV_FILE": str(tmp_path / "none"), **environ})


def test_nothing_has_to_be_set(tmp_path: Path) -> None:
    settings = load(tmp_path)
    assert settings.effective_database_url.startswith("sqlite:///")
    assert settings.effective_broker_url == "filesystem://localhost"
    assert settings.embedded_workers == 1
    assert settings.media.upload_limit == 512_000_000
    assert not settings.production_mode


@pytest.mark.parametrize(
    ("name", "value", "path", "meant"),
    [
        ("OTOLITH_DATA", "/srv/sound", "data", Path("/srv/sound")),
        ("RECOZIK_WEB_BASE_MEDIA_ROOT", "/srv/sound", "data", Path("/srv/sound")),
        ("OTOLITH_MEDIA_UPLOAD_LIMIT", "2GiB", "media.upload_limit", 2 * 1024**3),
        ("RECOZIK_WEBUI_UPLOAD_LIMIT", "100mb", "media.upload_limit", 100_000_000),
        ("OTOLITH_JOBS_LEASE_SECONDS", "12.5", "jobs.lease_seconds", 12.5),
        ("OTOLITH_LIBRARY_ROOTS", '["/music", "/more"]', "library.roots", [Path("/music"), Path("/more")]),
        ("LOG_LEVEL", "INFO", "log.level", "info"),
        ("OTOLITH_LOG_FORMAT", "JSON", "log.format", "json"),
        ("DATABASE_URL", "postgresql://h/d", "database_url", "postgresql://h/d"),
        (
            "ALLOWED_ORIGINS",
            "https://a.example/, https://b.example",
            "origins",
            ["https://a.example", "https://b.example"],
        ),
        ("DEBUG", "true", "debug", True),
        ("otolith_port", "9000", "port", 9000),
        ("OTOLITH_WORKERS", "0", "embedded_workers", 0),
        ("OTOLITH_BROKER_URL", "redis://h/0", "embedded_workers", 0),
        ("OTOLITH_ACCOUNTS_SESSION_DAYS", "1", "accounts.session_days", 1),
        ("OTOLITH_PORT", "", "port", 8000),
    ],
)
def test_a_variable_reaches_its_setting(tmp_path: Path, name: str, value: str, path: str, meant: Any) -> None:
    found: Any = load(tmp_path, **{name: value})
    for part in path.split("."):
        found = getattr(found, part)
    assert found == meant


def test_a_name_of_ours_wins_over_an_alias(tmp_path: Path) -> None:
    settings = load(tmp_path, DATABASE_URL="postgresql://theirs/d", OTOLITH_DATABASE_URL="postgresql://ours/d")
    assert settings.database_url == "postgresql://ours/d"


def test_every_alias_stands_for_a_setting_that_exists() -> None:
    assert set(ALIASES.values()) <= known_names()


def test_the_environment_wins_over_the_file_and_an_option_over_both(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("OTOLITH_PORT=1111\nOTOLITH_HOST=0.0.0.0\nRECOZIK_WEB_ADMIN_USERNAME=chef\n")
    settings = load_settings({"OTOLITH_ENV_FILE": str(file), "OTOLITH_PORT": "2222"}, data=tmp_path, workers=None)
    assert (settings.port, settings.host, settings.admin.username) == (2222, "0.0.0.0", "chef")  # noqa: S104
    assert load_settings({"OTOLITH_ENV_FILE": str(file), "OTOLITH_PORT": "2222"}, port=3333).port == 3333


def test_constructing_settings_reads_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTOLITH_PORT", "1234")
    assert Settings().port == 8000


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"OTOLITH_PORT": "eighty"}, "OTOLITH_PORT"),
        ({"OTOLITH_PORT": "70000"}, "OTOLITH_PORT"),
        ({"OTOLITH_MEDIA_UPLOAD_LIMIT": "much"}, "OTOLITH_MEDIA_UPLOAD_LIMIT: .*100mb"),
        ({"OTOLITH_ACCOUNTS_HASH_MEMORY": "1mb"}, "OTOLITH_ACCOUNTS_HASH_MEMORY"),
        ({"OTOLITH_LIBRARY_ROOTS": "/music"}, "library_roots|LIBRARY_ROOTS|roots|library"),
        ({"OTOLITH_LOG_LEVEL": "loud"}, "OTOLITH_LOG_LEVEL"),
        (
            {"RECOZIK_WEB_JOBS_DATABASE_URL": "sqlite:///a", "RECOZIK_WEB_AUTH_DATABASE_URL": "sqlite:///b"},
            "import recozik",
        ),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, environ: dict[str, str], words: str) -> None:
    with pytest.raises(BadSettings, match=words):
        load(tmp_path, **environ)


def test_two_equal_urls_of_recozik_are_one_database(tmp_path: Path) -> None:
    names = ("RECOZIK_WEB_JOBS_DATABASE_URL", "RECOZIK_WEB_AUTH_DATABASE_URL")
    assert load(tmp_path, **dict.fromkeys(names, "sqlite:////x.db")).database_url == "sqlite:////x.db"


@pytest.mark.parametrize("switch", ["OTOLITH_PRODUCTION_MODE", "RECOZIK_WEB_PRODUCTION_MODE"])
@pytest.mark.parametrize("name", ["OTOLITH_ADMIN_PASSWORD", "OTOLITH_ADMIN_TOKEN", "OTOLITH_READONLY_TOKEN"])
@pytest.mark.parametrize("secret", ["dev-admin", "Change-Me-Strong", "Qz9!", "aaaaaaaaaaaaaaaa", "abababababababab"])
def test_production_refuses_a_weak_secret_by_name_and_without_showing_it(
    tmp_path: Path, switch: str, name: str, secret: str
) -> None:
    with pytest.raises(BadSettings, match=name) as refusal:
        load(tmp_path, **{switch: "true", name: secret})
    assert secret not in refusal.value.detail
    assert load(tmp_path, **{name: secret}).seeded_secrets() == {name.removeprefix("OTOLITH_"): secret}
    assert load(tmp_path, **{switch: "true", name: STRONG}).production_mode


def test_production_is_switched_on_by_the_environment_too_and_refuses_debug(tmp_path: Path) -> None:
    assert load(tmp_path, ENVIRONMENT="Production").production_mode
    assert not load(tmp_path, ENVIRONMENT="staging").production_mode
    with pytest.raises(BadSettings, match="debug"):
        load(tmp_path, ENVIRONMENT="production", DEBUG="true")


def test_every_placeholder_of_a_guide_is_known_for_what_it_is() -> None:
    assert {weakness(secret) for secret in PLACEHOLDERS} == {"is a placeholder from a guide"}
    assert weakness(STRONG) is None


def test_secrets_show_nowhere(tmp_path: Path) -> None:
    settings = load(tmp_path, OTOLITH_ADMIN_PASSWORD="hunter2-hunter2", OTOLITH_STORAGE_SECRET_KEY="hunter2-hunter2")
    assert "hunter2" not in repr(settings)
    assert "hunter2" not in settings.model_dump_json()


def test_typing_errors_are_found() -> None:
    environ = {"OTOLITH_PROT": "1", "OTOLITH_PORT": "1", "OTOLITH_SERVER": "x", "OTHER": "1"}
    assert unknown_names(environ) == ["OTOLITH_PROT"]


@pytest.mark.parametrize(
    ("home", "named", "folder"),
    [("/home/ann", "", "/home/ann/.local/share/otolith"), ("/home/ann", "/xdg", "/xdg/otolith")],
)
def test_the_data_folder_follows_the_xdg_rules(
    monkeypatch: pytest.MonkeyPatch, home: str, named: str, folder: str
) -> None:
    monkeypatch.setenv("HOME", home)
    monkeypatch.setenv("XDG_DATA_HOME", named)
    assert Settings().data == Path(folder)
