"""Device keys at rest: encrypted with a key of this installation (AES-128-CBC and HMAC-SHA256, `cryptography`'s Fernet)."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from core.errors import MjosaError


class KeySafe:
    """Seals and opens texts. The secret is made at the first use and kept in `path`, readable by the owner only."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def seal(self, text: str) -> str:
        return self._fernet().encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """Raises MjosaError where the secret is not the one it was sealed with."""
        try:
            return self._fernet().decrypt(sealed.encode()).decode()
        except InvalidToken as error:
            raise MjosaError(f"A waiting device key was sealed with another secret than {self._path}; enter the key again.") from error

    def _fernet(self) -> Fernet:
        if not self._path.exists():
            self._path.parent.mkdir(parents=True, exist_ok=True)
            new = self._path.with_suffix(f".{os.getpid()}")
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(Fernet.generate_key())
            with suppress(FileExistsError):  # another process was first: its secret counts
                os.link(new, self._path)
            new.unlink()
        return Fernet(self._path.read_bytes())
