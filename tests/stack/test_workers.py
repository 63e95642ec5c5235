"""Two `mjosa ingest` with the settings of the compose file, between Mosquitto, PostgreSQL and InfluxDB with the stack's own files."""

from __future__ import annotations

import re
import signal
import time
from contextlib import ExitStack

import httpx
import paho.mqtt.client as mqtt
import pytest
import typer
from paho.mqtt.enums import CallbackAPIVersion

import mjosa as application
from core.commands_stack import Process
from core.heartbeat import Heartbeat
from core.registry import Registry
from core.town import Sensor, Town, Utility
from gateway import stack
from gateway.topics import event_topic
from tests.ingest.support import APP, eui, up_json
from tests.processes import mjosa, wait_for
from tests.stack import parts
from tests.stores.influx_server import influxd

LEVEL = bytes.fromhex("01755c03770200")
DEVICES = 20
SERVICES = {name: s for name, s in parts.SERVICES.items() if s["image"].startswith("mjosa:")}


@pytest.mark.parametrize("name", SERVICES)
def test_every_command_of_the_compose_file_exists(name):
    commands = typer.main.get_command(application.app).commands
    service = SERVICES[name]
    check = (service.get("healthcheck") or {}).get("test", [])
    for words in (service["command"], check[check.index("mjosa.py") + 1 :] if check else []):
        if not words:
            continue
        command = commands[words[0]]
        options = {option for p in command.params for option in getattr(p, "opts", ())}
        assert {w for w in words if w.startswith("--")} <= options


def settings_of(name, places):
    """The service's environment, in lower case without MJOSA_, with hosts and folders where they are here."""
    found = {}
    for key, value in SERVICES[name]["environment"].items():
        text = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", str(value))
        for old, new in places.items():
            text = text.replace(old, new)
        found[key.removeprefix("MJOSA_").lower()] = text
    del found["data_dir"]
    return found


def test_two_workers_share_the_work_and_one_may_die(tmp_path):
    variables, secrets = stack.make_secrets(tmp_path), tmp_path / "secrets"
    (secrets / "influx_token").write_text("a-token")
    folders = {name: tmp_path / name for name in ("influx", "postgres", "mosquitto", "ingest-1", "ingest-2")}
    for folder in folders.values():
        folder.mkdir()
    with ExitStack() as running:
        influx = running.enter_context(influxd(folders["influx"]))
        httpx.post(f"{influx}/query", data={"q": "CREATE DATABASE mjosa"}).raise_for_status()
        database = running.enter_context(parts.postgres(folders["postgres"], variables))
        broker, _ = running.enter_context(parts.mosquitto(folders["mosquitto"], secrets / "mosquitto_passwords"))
        (secrets / "mjosa_database_url").write_text((secrets / "mjosa_database_url").read_text().replace("@postgres/", f"@{database}/"))
        registry = Registry.open((secrets / "mjosa_database_url").read_text())
        sensors = tuple(Sensor(id=f"s{n}", dev_eui=eui(n), model="milesight_em500_swl") for n in range(DEVICES))
        registry.import_town(Town(utility=Utility(name="Test"), sensors=sensors), "test")
        registry.close()
        places = {
            "/run/secrets": str(secrets),
            "mosquitto:1883": f"127.0.0.1:{broker}",
            "influxdb://influxdb:8086": influx.replace("http", "influxdb"),
        }

        def start(name):
            return running.enter_context(mjosa(["ingest"], folders[name], **settings_of(name, places)))

        def beats(name):
            return Heartbeat(folders[name] / "data", Process.INGEST, time.time).age_s() is not None

        def stored():
            answer = httpx.post(
                f"{influx}/query", data={"db": "mjosa", "q": 'SELECT count("value") FROM "level" WHERE quantity = \'level_m\''}
            )
            series = answer.json()["results"][0].get("series")
            return series[0]["values"][0][1] if series else 0

        def logged(name):
            return sum(path.stat().st_size for path in (folders[name] / "data" / "uplinks").glob("uplinks-*"))

        one, _ = start("ingest-1"), start("ingest-2")
        for name in ("ingest-1", "ingest-2"):
            wait_for(f"{name} to be well", lambda name=name: beats(name), 60)
        empty = {name: logged(name) for name in ("ingest-1", "ingest-2")}
        chirpstack = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        chirpstack.username_pw_set("chirpstack", variables["MQTT_CHIRPSTACK_PASSWORD"])
        chirpstack.connect("127.0.0.1", broker)
        chirpstack.loop_start()
        running.callback(chirpstack.loop_stop)
        running.callback(chirpstack.disconnect)

        def publish(first, last):
            now = time.time() - 3_600
            for n in range(first, last):
                message = up_json(n % DEVICES, n, LEVEL, now + n, f_port=85)
                chirpstack.publish(event_topic(APP, eui(n % DEVICES), "up"), message, qos=1).wait_for_publish(20)

        publish(0, 200)
        wait_for("200 levels", lambda: stored() == 200, 60)
        assert all(logged(name) > empty[name] for name in empty), "one worker did everything"
        one.stop(signal.SIGKILL)
        publish(200, 400)
        start("ingest-1")
        wait_for("400 levels", lambda: stored() == 400, 60)
