"""Secrets that stand in files instead of the environment."""

from pathlib import Path

import pytest

from otolith.core import secret_files
from otolith.core.settings import BadSettings, load_settings, unknown_names

SECRET = "a-secret-of-its-own-0123456789"


@pytest.fixture(autouse=True)
def mounted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "secrets"
    folder.mkdir()
    monkeypatch.setattr(secret_files, "MOUNTED", folder)
    monkeypatch.setattr(secret_files.from_files, "__kwdefaults__", {"mounted": folder})
    return folder


def token_of(environ: dict[str, str]) -> str | None:
    token = load_settings(environ).admin.token
    return token.get_secret_value() if token else None


@pytest.mark.parametrize("name", ["OTOLITH_ADMIN_TOKEN_FILE", "RECOZIK_WEB_ADMIN_TOKEN_FILE"])
def test_a_variable_names_the_file(tmp_path: Path, name: str) -> None:
    file = tmp_path / "token"
    file.write_text(SECRET + "\n")
    assert token_of({name: str(file)}) == SECRET
    assert unknown_names({name: str(file)}) == []


def test_systemd_gives_credentials(tmp_path: Path) -> None:
    (tmp_path / "otolith_admin_token").write_text(SECRET)
    assert token_of({"CREDENTIALS_DIRECTORY": str(tmp_path)}) == SECRET


@pytest.mark.parametrize("name", ["otolith_admin_token", "OTOLITH_ADMIN_TOKEN"])
def test_podman_and_docker_mount_secrets(mounted: Path, name: str) -> None:
    (mounted / name).write_text(SECRET)
    assert token_of({}) == SECRET


def test_the_environment_wins_then_the_named_file(tmp_path: Path, mounted: Path) -> None:
    (mounted / "otolith_admin_token").write_text("mounted-" + SECRET)
    named = tmp_path / "token"
    named.write_text("named-" + SECRET)
    environ = {"OTOLITH_ADMIN_TOKEN_FILE": str(named)}
    assert token_of(environ) == "named-" + SECRET
    assert token_of({**environ, "OTOLITH_ADMIN_TOKEN": SECRET}) == SECRET
    assert token_of({}) == "mounted-" + SECRET


def test_a_setting_that_is_a_file_is_no_secret_in_one(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert load_settings({"OTOLITH_LOG_FILE": str(log)}).log.file == log


def test_a_file_that_cannot_be_read_is_named_and_not_shown(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="OTOLITH_ADMIN_TOKEN_FILE"):
        load_settings({"OTOLITH_ADMIN_TOKEN_FILE": str(tmp_path / "none")})
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe secret")
    with pytest.raises(BadSettings, match="it is no text") as refused:
        load_settings({"OTOLITH_ADMIN_TOKEN_FILE": str(binary)})
    assert "secret" not in refused.value.detail.replace("secret-", "")


@pytest.mark.parametrize(
    ("secret", "fault"),
    [
        ("your-secure-random-token-here", "is a placeholder"),
        ("change-me-strong", "is a placeholder"),
        ("dev-admin", "is a placeholder"),
        ("jeton-super-securise", "is a placeholder"),
        ("tiny", "is shorter"),
        ("aaaaaaaaaaaaaaaaaaaaaaaa", "repeats itself"),
    ],
)
def test_production_says_which_secret_is_unfit(tmp_path: Path, secret: str, fault: str) -> None:
    file = tmp_path / "token"
    file.write_text(secret)
    environ = {"OTOLITH_PRODUCTION_MODE": "true", "OTOLITH_READONLY_TOKEN_FILE": str(file)}
    with pytest.raises(BadSettings, match=f"OTOLITH_READONLY_TOKEN {fault}") as refused:
        load_settings(environ)
    assert secret not in refused.value.detail


def test_production_refuses_one_secret_for_two() -> None:
    environ = {"ENVIRONMENT": "production", "OTOLITH_ADMIN_TOKEN": SECRET, "OTOLITH_READONLY_TOKEN": SECRET}
    with pytest.raises(BadSettings, match="OTOLITH_ADMIN_TOKEN and OTOLITH_READONLY_TOKEN are the same"):
        load_settings(environ)
