"""`make stack`: secrets once, start, provision, addresses. Standard library only: it runs before anything is installed.

`python3 gateway/stack.py secrets` only makes the secrets; `… parts` also starts and prepares everything but Mjøsa itself, for
a migration or a restore.

Secrets live in `secrets/` (files that compose mounts) and `.env` (the few that images read only from the environment);
both are private to the owner and never written again once they exist.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import secrets
import subprocess
import sys
from pathlib import Path

MQTT_USERS = ("chirpstack", "bridge", "mjosa", "simulator", "healthcheck")
FILES = ("session_secret", "postgres_password", "influx_admin_password", "influx_admin_token", "grafana_admin_password",
         "chirpstack_admin_password", "mqtt_mjosa_password", "mqtt_simulator_password")  # fmt: skip
VARIABLES = ("CHIRPSTACK_POSTGRES_PASSWORD", "MJOSA_POSTGRES_PASSWORD", "REDIS_PASSWORD", "CHIRPSTACK_API_SECRET",
             "MQTT_CHIRPSTACK_PASSWORD", "MQTT_BRIDGE_PASSWORD", "MQTT_HEALTHCHECK_PASSWORD")  # fmt: skip
CORE = ("mosquitto", "postgres", "redis", "chirpstack", "influxdb", "bridge-udp", "bridge-station")
BUCKET = "mjosa"


def mosquitto_hash(password: str, salt: bytes) -> str:
    """One password as mosquitto keeps it: PBKDF2-HMAC-SHA512, 101 rounds (mosquitto_passwd's `$7$` format)."""
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, 101, 64)
    return f"$7$101${base64.b64encode(salt).decode()}${base64.b64encode(key).decode()}"


def make_secrets(root: Path) -> dict[str, str]:
    """Create whatever is missing in `.env` and `secrets/`; returns the variables of `.env`. Nothing that exists is changed."""
    folder = root / "secrets"
    folder.mkdir(mode=0o700, exist_ok=True)
    for name in FILES:
        _write_once(folder / name, secrets.token_hex(24))
    variables = _read_env(root / ".env")
    for name in VARIABLES:
        variables.setdefault(name, secrets.token_hex(24))
    _write(root / ".env", "".join(f"{k}={v}\n" for k, v in variables.items()))
    passwords = {
        "chirpstack": variables["MQTT_CHIRPSTACK_PASSWORD"],
        "bridge": variables["MQTT_BRIDGE_PASSWORD"],
        "healthcheck": variables["MQTT_HEALTHCHECK_PASSWORD"],
        "mjosa": (folder / "mqtt_mjosa_password").read_text(),
        "simulator": (folder / "mqtt_simulator_password").read_text(),
    }
    _write_once(
        folder / "mosquitto_passwords", "".join(f"{u}:{mosquitto_hash(passwords[u], secrets.token_bytes(12))}\n" for u in MQTT_USERS)
    )
    _write_once(folder / "mjosa_database_url", f"postgresql+psycopg://mjosa:{variables['MJOSA_POSTGRES_PASSWORD']}@postgres/mjosa")
    for name in ("influx_token", "chirpstack_token"):  # filled by provisioning, but compose wants the files to exist
        _write_once(folder / name, "")
    return variables


def provision(root: Path, variables: dict[str, str]) -> None:
    """What only the started parts can give: ChirpStack's API key and InfluxDB's narrow tokens."""
    folder = root / "secrets"
    if not (folder / "chirpstack_token").read_text():
        answer = _compose("exec", "-T", "chirpstack", "chirpstack", "-c", "/etc/chirpstack", "create-api-key", "--name", "mjosa")
        _write(folder / "chirpstack_token", _found(r"token: (\S+)", answer, "ChirpStack's create-api-key"))
    admin = (folder / "influx_admin_token").read_text()
    if not (folder / "influx_token").read_text():
        _write(folder / "influx_token", _influx_token(admin, "mjosa", ("--read-bucket", "--write-bucket")))
    if "GRAFANA_INFLUX_TOKEN" not in variables:
        variables["GRAFANA_INFLUX_TOKEN"] = _influx_token(admin, "grafana", ("--read-bucket",))
        _write(root / ".env", "".join(f"{k}={v}\n" for k, v in variables.items()))


def main(root: Path, arguments: list[str]) -> None:
    os.umask(0o077)
    variables = make_secrets(root)
    if arguments == ["secrets"]:
        print("secrets/ and .env are ready; nothing that existed was changed.")
        return
    _compose("build")
    _compose("up", "--detach", "--wait", *CORE)
    provision(root, variables)
    _compose("run", "--rm", "init")
    if arguments == ["parts"]:
        print("The parts are ready for `mjosa migrate` or `mjosa restore` (docs/operations.md); make stack starts the rest.")
        return
    _compose("up", "--detach", "--wait")
    print("""
Mjøsa       http://127.0.0.1:8080   first sign-in: docker compose logs serve | grep sign-in
ChirpStack  http://127.0.0.1:8081   admin / secrets/chirpstack_admin_password
Grafana     http://127.0.0.1:3000   admin / secrets/grafana_admin_password""")


def _influx_token(admin: str, description: str, rights: tuple[str, ...]) -> str:
    """A token for the one bucket and nothing else (and for the mapping from InfluxQL's database to it)."""
    influx = ("exec", "-T", "influxdb", "influx")
    asked = ("--org", "mjosa", "--token", admin, "--json")
    bucket = _found(r'"id":\s*"([0-9a-f]{16})"', _compose(*influx, "bucket", "list", "--name", BUCKET, *asked), "influx bucket list")
    narrow = [word for right in rights for word in (right, bucket)]
    answer = _compose(*influx, "auth", "create", *asked, "--description", description, *narrow, "--read-dbrps")
    return _found(r'"token":\s*"([^"]+)"', answer, "influx auth create")


def _compose(*arguments: str) -> str:
    try:
        done = subprocess.run(["docker", "compose", *arguments], check=True, text=True, stdout=subprocess.PIPE)
    except FileNotFoundError:
        sys.exit("make stack needs Docker with the compose plugin; it is not installed here.")
    except subprocess.CalledProcessError as error:
        sys.exit(f"docker compose {arguments[0]} failed (exit {error.returncode}); its own message stands above.")
    return done.stdout


def _found(pattern: str, text: str, what: str) -> str:
    match = re.search(pattern, text)
    if match is None:
        sys.exit(f"{what} did not print a token; its output was: {text.strip()[:200]}")
    return match[1]


def _read_env(path: Path) -> dict[str, str]:
    lines = path.read_text().splitlines() if path.exists() else []
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def _write_once(path: Path, text: str) -> None:
    if not path.exists():
        _write(path, text)


def _write(path: Path, text: str) -> None:
    """Whole or not at all. Readable by the containers' own users only through compose's secret mounts."""
    part = path.with_name(path.name + ".part")
    part.write_text(text)
    part.chmod(0o644 if path.parent.name == "secrets" else 0o600)
    part.replace(path)


if __name__ == "__main__":
    main(Path(__file__).parent.parent, sys.argv[1:])
