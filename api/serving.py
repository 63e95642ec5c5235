"""Serving the application until a signal asks to stop."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from core.settings import Settings

GRACE_S = 3


def serve(app: FastAPI, settings: Settings, ready: Callable[[], None]) -> None:
    """Blocks. `ready` is called once it listens, so that what it prints can be opened at once."""
    config = uvicorn.Config(
        app, settings.host, settings.port, log_level="warning", access_log=False, timeout_graceful_shutdown=GRACE_S, server_header=False,
        ssl_certfile=settings.tls_certificate, ssl_keyfile=settings.tls_key,
    )  # fmt: skip
    _Server(config, ready).run()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()
