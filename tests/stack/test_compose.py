"""The compose files: valid by the compose specification's schema, nothing missing, nothing open, nothing by default."""

from __future__ import annotations

import copy
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from core.settings import Settings, load_settings
from gateway import stack

ROOT = Path(__file__).parent.parent.parent
FILES = ("docker-compose.yml", "docker-compose.tls.yml")
COMPOSE, TLS = (yaml.safe_load((ROOT / name).read_text(encoding="utf-8")) for name in FILES)
SERVICES = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if service["image"].startswith("mjosa")]
OPENED = {"chirpstack": "MJOSA_CHIRPSTACK_BIND", "grafana": "MJOSA_BIND", "serve": "MJOSA_BIND", "bridge-udp": "MJOSA_RADIO_BIND",
          "bridge-station": "MJOSA_RADIO_BIND", "mosquitto": "MJOSA_RADIO_BIND"}  # fmt: skip
MADE_BY_STACK = set(stack.FILES) | {"mosquitto_passwords", "mjosa_database_url", "influx_token", "chirpstack_token"}
HAVE_OR_SAY = {"healthcheck": "x-no-healthcheck", "read_only": "x-writable", "user": "x-user"}


@pytest.mark.parametrize("name", FILES)
def test_the_compose_specification_accepts_it(name):
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", name]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_schema_would_find_a_mistake(tmp_path):
    (tmp_path / "bad.yml").write_text("services: {a: {image: b, healthcheck: {intervall: 3s}}}")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(tmp_path / "bad.yml")]
    assert subprocess.run(command, capture_output=True).returncode == 1


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_fenced_in(name):
    service = SERVICES[name]
    limits = service["deploy"]["resources"]["limits"]
    assert {"cpus", "memory"} <= set(limits)
    assert service["restart"] in ("unless-stopped", "no")
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert not service.get("privileged")
    for wanted, reason in HAVE_OR_SAY.items():
        assert service.get(wanted) or len(service.get(reason, "")) > 5, f"{name} has neither {wanted} nor {reason}"


@pytest.mark.parametrize("name", SERVICES)
def test_images_are_pinned_to_a_version(name):
    image = SERVICES[name]["image"]
    assert re.search(r":(\d+\.\d+(\.\d+)?|\$\{MJOSA_VERSION:-\d+\.\d+\.\d+\})(-\w+)?$", image), image


def test_only_what_people_and_base_stations_open_is_published():
    published = {(n, p) for f in (SERVICES, TLS["services"]) for n, s in f.items() for p in s.get("ports", ())}
    for name, port in published:
        assert port.startswith(f"${{{OPENED[name]}:-127.0.0.1}}:"), f"{name} publishes {port}"
    assert COMPOSE["networks"]["back"] == {"internal": True}
    assert all("network_mode" not in s for s in SERVICES.values())
    for name in ("postgres", "redis", "influxdb", "influxdb3", "analyse", "ingest-1", "ingest-2"):
        assert SERVICES[name]["networks"] == ["back"], f"{name} is reached from outside"


def test_every_file_that_is_mounted_is_there():
    mounts = [v.split(":")[0] for f in (SERVICES, TLS["services"]) for s in f.values() for v in s.get("volumes", ()) if v.startswith("./")]
    assert len(mounts) > 8
    for path in mounts:
        assert (ROOT / path).exists(), f"{path} is mounted and not there"


def test_every_volume_is_named_and_used():
    used = {v.split(":")[0] for s in SERVICES.values() for v in s.get("volumes", ()) if not v.startswith(".")}
    assert used == set(COMPOSE["volumes"])


def test_every_secret_is_made_by_make_stack():
    used = {x if isinstance(x, str) else x["source"] for s in SERVICES.values() for x in s.get("secrets", ())}
    assert used == set(COMPOSE["secrets"])
    assert {Path(s["file"]).name for s in COMPOSE["secrets"].values()} == MADE_BY_STACK
    files = {f"/run/secrets/{name}" for name in used}
    for name, service in SERVICES.items():
        mine = {f"/run/secrets/{x}" for x in service.get("secrets", ()) if isinstance(x, str)}
        words = [*(service.get("environment") or {}).values(), *service.get("command", ())]
        named = {word for word in words if str(word).startswith("/run/secrets/")}
        assert named <= mine & files, f"{name} reads {named - mine}"


def test_a_secret_is_never_a_default():
    for name, service in SERVICES.items():
        for key, value in (service.get("environment") or {}).items():
            if re.search("PASSWORD|SECRET|TOKEN|KEY", key) and not key.endswith("_FILE"):
                assert re.search(r"^\$\{\w+(:\?run make stack|:-)\}$", str(value)), f"{name}: {key}={value}"
    required = set(re.findall(r"\$\{(\w+):\?", (ROOT / FILES[0]).read_text()))
    assert required == set(stack.VARIABLES)


@pytest.mark.parametrize("name", OURS)
def test_every_setting_is_one(name):
    extra = TLS["services"].get(name, {}).get("environment", {})
    settings = {k.removeprefix("MJOSA_").removesuffix("_FILE").lower() for k in {**(SERVICES[name]["environment"] or {}), **extra}}
    assert settings <= set(Settings.model_fields), settings - set(Settings.model_fields)


def test_the_settings_of_each_process_are_accepted(tmp_path, monkeypatch):
    """With the secrets that make_secrets makes, in the places where compose mounts them."""
    stack.make_secrets(tmp_path)
    (tmp_path / "secrets" / "influx_token").write_text("a-token")
    for name in OURS:
        with monkeypatch.context() as patched:
            for key, value in (SERVICES[name]["environment"] or {}).items():
                text = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", str(value)).replace("/run/secrets", str(tmp_path / "secrets"))
                patched.setenv(key, text)
            settings = load_settings()
            if name in ("ingest-1", "ingest-2"):
                assert settings.mqtt_shared_group == "mjosa"
                assert settings.mqtt_client_id == f"mjosa-{name}"
                assert settings.database_url.get_secret_value().startswith("postgresql+psycopg://mjosa:")


def test_two_workers_differ_only_in_who_they_are():
    one, two = copy.deepcopy((SERVICES["ingest-1"], SERVICES["ingest-2"]))
    assert one["environment"].pop("MJOSA_MQTT_CLIENT_ID") != two["environment"].pop("MJOSA_MQTT_CLIENT_ID")
    assert one.pop("volumes") != two.pop("volumes")
    assert one == two


def test_secrets_are_made_once_and_kept_private(tmp_path):
    variables = stack.make_secrets(tmp_path)
    before = {p: p.read_text() for p in [tmp_path / ".env", *(tmp_path / "secrets").iterdir()]}
    assert stack.make_secrets(tmp_path) == variables
    assert {p: p.read_text() for p in before} == before
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600
    passwords = [*variables.values(), *(before[tmp_path / "secrets" / name] for name in stack.FILES)]
    assert len(set(passwords)) == len(passwords)
    assert all(len(p) >= 48 and "$" not in p for p in passwords)


def test_nothing_secret_goes_into_the_image():
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert {".env", "secrets", "data", ".git"} <= set(ignored)
    copied = re.findall(r"^COPY (?!--from)(\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert {"mjosa.py", "core", "gateway", "ingest", "analytics", "api", "simulators", "dashboards"} <= set(copied)
    assert "." not in copied


def test_grafana_is_given_every_variable_its_files_name():
    """Only the provisioning files are filled in by Grafana; the boards themselves are taken as they are."""
    files = (ROOT / "dashboards" / "provisioning").rglob("*.yaml")
    named = {a or b for f in files for a, b in re.findall(r"\$\{(\w+)\}|\$([A-Z]\w+)", f.read_text(encoding="utf-8"))}
    assert named == {"INFLUX_TOKEN", "MJOSA_PLATFORM_MAIL"}
    assert named <= set(SERVICES["grafana"]["environment"])
    boards = [f.read_text(encoding="utf-8") for f in (ROOT / "dashboards" / "json").rglob("*.json")]
    assert not any("${MJOSA" in text for text in boards)
    home = Path(SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert (ROOT / "dashboards" / "json" / home.relative_to("/etc/mjosa/dashboards")).exists()
