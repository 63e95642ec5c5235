"""Whatever stands in the way of a start is one clear sentence and an exit code, never a traceback."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


def start(folder: Path, *arguments: str, **settings: object) -> tuple[int, str]:
    """Exit code and output of a `mjosa` that must not start."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("MJOSA_")}
    environment = {**clean, "MJOSA_DATA_DIR": str(folder / "data"), **{f"MJOSA_{k.upper()}": str(v) for k, v in settings.items()}}
    done = subprocess.run(
        [sys.executable, "mjosa.py", *(arguments or ("up",))], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120
    )
    assert "Traceback" not in done.stderr, done.stderr[-2000:]
    return done.returncode, done.stdout + done.stderr


def test_a_busy_port_is_named(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, said = start(tmp_path, port=port)
    assert code == 2
    assert f"MJOSA_PORT: port {port} on 127.0.0.1 is not free" in said


def test_too_little_disk_is_said_before_anything_is_written(tmp_path):
    code, said = start(tmp_path, free_space_mb=10**9)
    assert code == 2
    assert "MB free; Mjøsa wants 1000000000 MB" in said.replace("\n", " ")
    assert not list((tmp_path / "data").glob("*.duckdb"))


def test_a_foreign_file_in_the_place_of_the_store_is_refused_and_left_alone(tmp_path):
    (tmp_path / "data").mkdir()
    file = tmp_path / "data" / "readings.duckdb"
    file.write_bytes(b"half of something else" * 1000)
    code, said = start(tmp_path)
    assert code == 1
    assert "readings.duckdb" in said
    assert file.read_bytes() == b"half of something else" * 1000


def test_a_data_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "data").write_text("a file, not a folder")
    code, said = start(tmp_path)
    assert code == 2
    assert "MJOSA_DATA_DIR" in said


def test_check_config_tells_every_mistake_of_settings_and_town(tmp_path):
    (tmp_path / "town.yaml").write_text("utility: T\nassets:\n- {id: A, zone: nowhere}\n- {id: A}\n", encoding="utf-8")
    code, said = start(tmp_path, "check-config", town_file=tmp_path / "town.yaml")
    assert code == 2
    assert "town.yaml:3: assets[0].zone: there is no zone 'nowhere'" in said
    assert "town.yaml:4: assets[1].id: 'A' is there twice" in said
    code, said = start(tmp_path, "check-config", prot=1, speed="fast")
    assert code == 2
    assert "MJOSA_PROT" in said
    assert "MJOSA_SPEED" in said


@pytest.mark.parametrize("arguments", [("analyse", "nowhere"), ("devices", "show", "no_such_product"), ("kpi", "show", "Z99")])
def test_a_wrong_name_is_a_sentence(tmp_path, arguments):
    code, said = start(tmp_path, *arguments)
    assert code in (1, 2)
    assert said.strip()
