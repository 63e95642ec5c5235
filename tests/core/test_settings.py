"""Settings: all mistakes at once; nothing listens beyond loopback without a secret."""

from pathlib import Path

import pytest

from core.errors import ConfigError
from core.settings import load_settings
from core.settings_page import page

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


def problems():
    with pytest.raises(ConfigError) as caught:
        load_settings()
    return caught.value.problems


def test_defaults_need_nothing():
    settings = load_settings()
    assert settings.host == "127.0.0.1"
    assert settings.mqtt_url is None


def test_every_mistake_is_told(monkeypatch):
    monkeypatch.setenv("MJOSA_PORT", "99999")
    monkeypatch.setenv("MJOSA_SPEED", "fast")
    monkeypatch.setenv("MJOSA_PROT", "1")
    found = problems()
    assert [p.split(":")[0] for p in found] == ["MJOSA_PORT", "MJOSA_SPEED", "MJOSA_PROT"]


def test_beyond_loopback_needs_a_secret(monkeypatch):
    monkeypatch.setenv("MJOSA_HOST", "0.0.0.0")
    assert "beyond this machine" in problems()[0]


def test_secrets_come_from_files_and_stay_hidden(monkeypatch, tmp_path):
    (tmp_path / "secret").write_text("s3cret\n")
    monkeypatch.setenv("MJOSA_SESSION_SECRET_FILE", str(tmp_path / "secret"))
    settings = load_settings()
    assert settings.session_secret.get_secret_value() == "s3cret"
    assert "s3cret" not in repr(settings)
    monkeypatch.setenv("MJOSA_SESSION_SECRET_FILE", str(tmp_path / "nowhere"))
    assert "cannot read" in problems()[0]


def test_the_environment_wins_over_the_file(monkeypatch, tmp_path):
    (tmp_path / "mjosa.toml").write_text("port = 9001\nlanguage = 'en'\n")
    monkeypatch.setenv("MJOSA_PORT", "9002")
    settings = load_settings()
    assert (settings.port, settings.language) == (9002, "en")


def test_the_page_of_settings_is_current():
    assert (ROOT / "docs" / "settings.md").read_text(encoding="utf-8") == page(), "run make docs"
