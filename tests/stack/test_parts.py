"""Mosquitto, PostgreSQL and Redis as Debian has them, with the stack's own configuration; ChirpStack's files as it reads them."""

from __future__ import annotations

import re
import socket
import ssl
import subprocess
import threading
import tomllib
from pathlib import Path

import paho.mqtt.client as mqtt
import psycopg
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from core.registry import Registry
from gateway import stack
from tests.stack import parts

APPLICATION = "application/3f0e6f0e-6f0e-4f0e-8f0e-3f0e6f0e6f0e/device/0011223344556677"
STATION = "eu868/gateway/0016c001ff10a235"
TOPICS = (f"{APPLICATION}/event/up", f"{APPLICATION}/command/down", f"{STATION}/event/up", f"{STATION}/state/conn",
          f"{STATION}/command/down", "us915_0/gateway/0016c001ff10a235/event/up", "anything/else")  # fmt: skip
MAY_WRITE = {
    "bridge": {f"{STATION}/event/up", f"{STATION}/state/conn"},
    "chirpstack": {f"{STATION}/command/down", f"{APPLICATION}/event/up"},
    "mjosa": {f"{APPLICATION}/command/down"},
    "simulator": {f"{STATION}/event/up", f"{STATION}/state/conn"},
    "healthcheck": set(),
}
MAY_READ = {
    "bridge": {f"{STATION}/command/down"},
    "chirpstack": {f"{STATION}/event/up", f"{STATION}/state/conn", f"{APPLICATION}/command/down"},
    "mjosa": {f"{APPLICATION}/event/up"},
    "simulator": {f"{STATION}/command/down"},
    "healthcheck": set(),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """(.env's variables, the folder of secrets) as `make stack` makes them."""
    root = tmp_path_factory.mktemp("root")
    return stack.make_secrets(root), root / "secrets"


@pytest.fixture(scope="module")
def broker(tmp_path_factory, made):
    with parts.mosquitto(tmp_path_factory.mktemp("mosquitto"), made[1] / "mosquitto_passwords") as (port, _):
        yield port


def password_of(user, made):
    variables, secrets = made
    name = f"MQTT_{user.upper()}_PASSWORD"
    return variables[name] if name in variables else (secrets / name.lower()).read_text()


class Client:
    """A signed-in MQTT 5 client that keeps what it hears; `reason` is the broker's answer to its coming."""

    def __init__(self, port, user=None, password=None, ca=None):
        self.heard, self._done, self.reason = set(), threading.Event(), None
        self.mqtt = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5, reconnect_on_failure=False)
        if ca:
            self.mqtt.tls_set(str(ca))
        if user:
            self.mqtt.username_pw_set(user, password)
        self.mqtt.on_connect = self._connected
        self.mqtt.on_subscribe = lambda *_: self._done.set()
        self.mqtt.on_message = lambda client, data, message: self.heard.add((message.payload.decode(), message.topic))
        self.mqtt.connect("127.0.0.1", port)
        self.mqtt.loop_start()
        assert self._done.wait(10)

    def _connected(self, client, data, flags, reason, properties):
        self.reason = reason
        self._done.set()

    def subscribe(self, *topics):
        """Returns when the broker has answered, and so after everything it had sent before."""
        self._done.clear()
        self.mqtt.subscribe([(t, mqtt.SubscribeOptions(qos=1)) for t in topics])
        assert self._done.wait(10)

    def close(self):
        self.mqtt.disconnect()
        self.mqtt.loop_stop()


def test_nobody_may_do_anything_that_is_not_granted(broker, made):
    clients = {user: Client(broker, user, password_of(user, made)) for user in stack.MQTT_USERS}
    try:
        assert all(c.reason == 0 for c in clients.values())
        for client in clients.values():
            client.subscribe("#")
        for user, client in clients.items():
            for topic in TOPICS:
                client.mqtt.publish(topic, user, qos=1).wait_for_publish(10)
        for client in clients.values():
            client.subscribe("#")
        for reader, client in clients.items():
            granted = {(writer, t) for writer in MAY_WRITE for t in MAY_WRITE[writer] & MAY_READ[reader]}
            assert client.heard == granted, reader
    finally:
        for client in clients.values():
            client.close()


def test_shared_subscriptions_are_within_the_rights(broker, made):
    """As ChirpStack takes commands and Mjøsa's workers take events."""
    chirpstack, mjosa = (Client(broker, user, password_of(user, made)) for user in ("chirpstack", "mjosa"))
    chirpstack.subscribe("$share/chirpstack/application/+/device/+/command/+")
    mjosa.subscribe("$share/mjosa/application/+/device/+/event/+")
    chirpstack.mqtt.publish(f"{APPLICATION}/event/up", "an event", qos=1).wait_for_publish(10)
    mjosa.mqtt.publish(f"{APPLICATION}/command/down", "a command", qos=1).wait_for_publish(10)
    chirpstack.subscribe("fence")
    mjosa.subscribe("fence")
    assert mjosa.heard == {("an event", f"{APPLICATION}/event/up")}
    assert chirpstack.heard == {("a command", f"{APPLICATION}/command/down")}
    chirpstack.close()
    mjosa.close()


def test_the_health_check_may_read_the_uptime_and_nothing_else(broker, made):
    for user, hears in (("healthcheck", True), ("mjosa", False)):
        client = Client(broker, user, password_of(user, made))
        client.subscribe("$SYS/broker/uptime", "$SYS/broker/version")
        client.subscribe("fence")
        assert {topic for _, topic in client.heard} == ({"$SYS/broker/uptime"} if hears else set())
        client.close()
    assert "$$SYS/broker/uptime" in parts.SERVICES["mosquitto"]["healthcheck"]["test"][1]


@pytest.mark.parametrize("who", [(), ("mjosa", ""), ("mjosa", "mjosa"), ("nobody", "x")])
def test_who_is_not_known_stays_out(broker, who):
    client = Client(broker, *who)
    assert client.reason.is_failure
    client.close()


def test_with_the_overlay_clients_from_elsewhere_come_by_tls(tmp_path, made):
    keys = tmp_path / "keys"
    keys.mkdir()
    certificate(keys)
    with parts.mosquitto(tmp_path, made[1] / "mosquitto_passwords", tls=keys) as (_, secured):
        client = Client(secured, "mjosa", password_of("mjosa", made), ca=keys / "tls_ca")
        assert client.reason == 0
        client.close()
        stranger = ssl.create_default_context()
        with socket.create_connection(("127.0.0.1", secured)) as plain, pytest.raises(ssl.SSLCertVerificationError):
            stranger.wrap_socket(plain, server_hostname="127.0.0.1")
        refused = Client(secured, ca=keys / "tls_ca")
        assert refused.reason.is_failure
        refused.close()


def certificate(folder: Path) -> None:
    """A certificate authority and a server certificate of 127.0.0.1 as docs/operations.md makes them."""
    text = (parts.ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    block = re.search(r"```sh\n(openssl req -x509.*?)```", text, re.DOTALL)[1]
    script = block.replace("DNS:mjosa.example.no", "IP:127.0.0.1").replace("secrets/", "")
    subprocess.run(["sh", "-euc", script], cwd=folder, check=True, capture_output=True)
    for made, mounted in (("tls_ca.crt", "tls_ca"), ("tls_server.crt", "tls_certificate"), ("tls_server.key", "tls_key")):
        (folder / made).rename(folder / mounted)


def test_postgresql_gives_each_its_own_database(tmp_path, made):
    variables, secrets = made
    with parts.postgres(tmp_path, variables) as address:
        url = (secrets / "mjosa_database_url").read_text().replace("@postgres/", f"@{address}/")
        registry = Registry.open(url)
        assert registry.town_revision() == 0
        registry.close()
        host, port = address.split(":")

        def sign_in(user, database, password):
            with psycopg.connect(host=host, port=port, user=user, dbname=database, password=password) as connection:
                return {row[0] for row in connection.execute("select extname from pg_extension")}

        assert {"pg_trgm", "hstore"} <= sign_in("chirpstack", "chirpstack", variables["CHIRPSTACK_POSTGRES_PASSWORD"])
        with pytest.raises(psycopg.OperationalError, match="permission denied"):
            sign_in("chirpstack", "mjosa", variables["CHIRPSTACK_POSTGRES_PASSWORD"])
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            sign_in("mjosa", "mjosa", "mjosa")


def test_redis_answers_only_with_the_password(tmp_path, made):
    password = made[0]["REDIS_PASSWORD"]
    with parts.redis(tmp_path, password) as port:
        check = parts.SERVICES["redis"]["healthcheck"]["test"][1].replace("$$", "$").replace("redis-cli", f"redis-cli -p {port}")
        for secret, healthy in ((password, True), ("wrong", False)):
            done = subprocess.run(["sh", "-c", check], env={"PATH": "/usr/bin:/bin", "REDIS_PASSWORD": secret}, capture_output=True)
            assert (done.returncode == 0) is healthy


def chirpstack_configuration(variables):
    """All *.toml of the folder behind each other, variables put in as ChirpStack does: one TOML document or an error."""
    files = sorted((parts.ROOT / "gateway" / "chirpstack").glob("*.toml"))
    text = "\n".join(f.read_text(encoding="utf-8") for f in files)
    for key, value in variables.items():
        text = text.replace(f"${key}", value)
    assert not re.findall(r"^[^#]*\$\w+", text, re.MULTILINE), "a variable is not set"
    return tomllib.loads(text)


def test_chirpstack_reads_its_files(made):
    environment = parts.SERVICES["chirpstack"]["environment"]
    configuration = chirpstack_configuration({key: made[0][key] for key in environment})
    assert configuration["network"]["enabled_regions"] == [r["id"] for r in configuration["regions"]] == ["eu868"]
    events = configuration["integration"]["mqtt"]
    assert (events["json"], events["qos"], events["clean_session"]) == (True, 1, False)
    assert events["client_id"] != configuration["regions"][0]["gateway"]["backend"]["mqtt"]["client_id"]
    channels = [c["frequency"] for c in configuration["regions"][0]["network"]["extra_channels"]]
    assert channels == [867_100_000, 867_300_000, 867_500_000, 867_700_000, 867_900_000]
    assert configuration["monitoring"]["bind"].endswith(":8070")
    assert made[0]["REDIS_PASSWORD"] in configuration["redis"]["servers"][0]


@pytest.mark.parametrize("name", ["udp", "station"])
def test_the_bridges_speak_under_the_region_chirpstack_listens_to(name, made):
    bridge = tomllib.loads((parts.ROOT / "gateway" / "bridge" / f"{name}.toml").read_text(encoding="utf-8"))
    prefix = chirpstack_configuration(made[0])["regions"][0]["gateway"]["backend"]["mqtt"]["topic_prefix"]
    templates = [value for key, value in bridge["integration"]["mqtt"].items() if key.endswith("_topic_template")]
    assert len(templates) == 3
    assert all(t.startswith(f"{prefix}/gateway/{{{{ .GatewayID }}}}/") for t in templates)
    assert bridge["integration"]["mqtt"]["auth"]["generic"]["username"] == "bridge"
    health = parts.SERVICES[f"bridge-{name}"]["healthcheck"]["test"][-1]
    assert bridge["metrics"]["prometheus"]["bind"] in health
