"""TLS with client certificates, websockets, passwords and the shipped broker configuration."""

import datetime
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from core.errors import ConfigError
from gateway.subscriber import Connection, Subscriber
from tests.brokers import Mosquitto, free_port, listening
from tests.gateway.test_subscriber import Kept, publish, until

SHIPPED = Path(__file__).parent.parent.parent / "gateway" / "mosquitto"


def certificate(folder: Path, name: str, signer=None):
    """A key and certificate as files name.key and name.crt; signed by itself or by (key, certificate)."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    built = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(signer[1].subject if signer else subject).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.BasicConstraints(ca=signer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key((signer[0] if signer else key).public_key()), critical=False)
    )  # fmt: skip
    if signer is None:
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        built = built.add_extension(usage, critical=True)
    signed = built.sign(signer[0] if signer else key, hashes.SHA256())
    (folder / f"{name}.crt").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    (folder / f"{name}.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return key, signed


@pytest.fixture
def secured(tmp_path):
    """A broker with a plain listener, one with TLS that asks for a certificate, and one for websockets."""
    folder = tmp_path / "mosquitto"
    folder.mkdir()
    ca = certificate(folder, "ca")
    for name in ("server", "client"):
        certificate(folder, name, ca)
    certificate(folder, "stranger")
    tls, ws = free_port(), free_port()
    extra = (
        f"listener {tls} 127.0.0.1\ncafile {folder}/ca.crt\ncertfile {folder}/server.crt\nkeyfile {folder}/server.key\n"
        f"require_certificate true\nlistener {ws} 127.0.0.1\nprotocol websockets\n"
    )
    with Mosquitto(folder, extra) as broker:
        listening(tls)
        listening(ws)
        yield broker, folder, tls, ws


def follow(connection: Connection, kept: Kept) -> Subscriber:
    return Subscriber(connection, kept, retry_s=(0.05, 0.2)).start()


@pytest.mark.parametrize("protocol", ["3.1.1", "5"])
def test_tls_with_a_client_certificate(secured, protocol):
    broker, folder, tls, _ = secured
    kept = Kept()
    connection = Connection(
        f"mqtts://localhost:{tls}", protocol=protocol, ca=folder / "ca.crt", certificate=folder / "client.crt", key=folder / "client.key"
    )
    follower = follow(connection, kept)
    assert follower.subscribed.wait(10), follower.fault
    publish(broker.port, [b"x" * 1400 + b"%d" % i for i in range(700)])
    until(lambda: len(kept.payloads) == 700)
    follower.stop()


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # paho leaves the socket of a failed handshake to the collector
def test_a_broker_of_another_authority_is_not_trusted(secured):
    _, folder, tls, _ = secured
    follower = follow(
        Connection(f"mqtts://localhost:{tls}", ca=folder / "stranger.crt", certificate=folder / "client.crt", key=folder / "client.key"),
        Kept(),
    )
    until(lambda: follower.fault is not None)
    assert "certificate verify failed" in follower.fault
    follower.stop()


@pytest.mark.parametrize("protocol", ["3.1.1", "5"])
def test_websockets(secured, protocol):
    broker, _, _, ws = secured
    kept = Kept()
    follower = follow(Connection(f"ws://localhost:{ws}/mqtt", protocol=protocol), kept)
    assert follower.subscribed.wait(10), follower.fault
    publish(broker.port, [b"x" * 1400 + b"%d" % i for i in range(700)])
    until(lambda: len(kept.payloads) == 700)
    follower.stop()


@pytest.mark.parametrize(
    ("connection", "says"),
    [
        (Connection("amqp://broker"), "is not one of mqtt://host:port"),
        (Connection("mqtts://localhost:1", ca=Path("/does/not/exist.crt")), "MJOSA_MQTT_CA"),
    ],
)
def test_a_wrong_setting_is_a_sentence_at_once(connection, says):
    with pytest.raises(ConfigError, match=says):
        Subscriber(connection, Kept())


def test_the_shipped_configuration_holds_what_it_promises(tmp_path):
    """gateway/mosquitto as it is, with only its paths and port moved: sessions survive SIGKILL a second later."""
    password, port = "water", free_port()
    passwords = tmp_path / "passwords"
    passwords.write_text("")
    for user in ("mjosa", "chirpstack"):
        subprocess.run(["mosquitto_passwd", "-b", str(passwords), user, password], check=True)
    shutil.copy(SHIPPED / "acl.conf", tmp_path)
    text = (SHIPPED / "mosquitto.conf").read_text()
    text = text.replace("/mosquitto/config/", f"{tmp_path}/").replace("/mosquitto/data/", f"{tmp_path}/").replace(
        "listener 1883", f"listener {port} 127.0.0.1")  # fmt: skip
    broker = Mosquitto(tmp_path)
    (tmp_path / "mosquitto.conf").write_text(f"user {broker.user}\n" + text)
    broker.port = port
    kept = Kept()
    connection = Connection(broker.url, username="mjosa", password=password)
    with broker:
        first = follow(connection, kept)
        assert first.subscribed.wait(10), first.fault
        first.stop()
        publish(port, [b"%d" % i for i in range(3000)], user=("chirpstack", password))
        time.sleep(2.2)
        broker.stop(kill=True)
        broker.start()
        second = follow(connection, kept)
        until(lambda: len(kept.payloads) >= 3000)
        second.stop()
    assert kept.payloads == [b"%d" % i for i in range(3000)]


def test_every_line_of_the_configuration_is_explained():
    lines = (line.split()[0] for line in (SHIPPED / "mosquitto.conf").read_text().splitlines() if line.strip() and not line.startswith("#"))
    documented = (SHIPPED.parent.parent / "docs" / "ingest.md").read_text()
    plain = {"listener", "log_dest", "log_type", "connection_messages"}
    assert [line for line in lines if line not in plain and f"`{line}" not in documented] == []
