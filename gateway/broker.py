"""The embedded MQTT broker: rumqttd, from the iotcore package, in a child process that ends with this one."""

from __future__ import annotations

from types import TracebackType

from iotcore import Broker

from core.errors import ConfigError

MAX_PAYLOAD_BYTES = 1_000_000
IN_FLIGHT = 1000
"""At least two batches, so that the broker never waits for an acknowledgement of a batch that is not full."""


class EmbeddedBroker:
    """Speaks MQTT 3.1.1 on loopback. Sessions live as long as it does; it is for a laptop, a demo and tests."""

    protocol = "3.1.1"

    def __init__(self, port: int = 1883) -> None:
        self.port = port
        self._broker = Broker(port=port, listen="127.0.0.1", max_payload_size=MAX_PAYLOAD_BYTES, max_inflight_count=IN_FLIGHT)

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    @property
    def running(self) -> bool:
        return bool(self._broker.is_running)

    def start(self) -> EmbeddedBroker:
        """Listen. Raises ConfigError when the port is taken."""
        try:
            self._broker.start()
        except (OSError, RuntimeError) as error:
            raise ConfigError(
                [f"MJOSA_MQTT_PORT: the embedded broker cannot listen on 127.0.0.1:{self.port} ({error}); choose another port"]
            ) from error
        return self

    def stop(self) -> None:
        self._broker.stop()

    def __enter__(self) -> EmbeddedBroker:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()
