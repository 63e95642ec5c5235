"""The one error tree.

MjosaError                    a sentence for the person at the keyboard; `mjosa` prints it and exits 1
├── ConfigError               settings or town.yaml are wrong (exit 2); carries every problem found, not the first
├── DecodeError               a frame did not decode: becomes a dead letter with its reason
├── StoreError                the time-series store or registry could not do it
│   ├── StoreUnavailable      not now: wait and try again; nothing was lost
│   └── StoreRejected         never: these rows are refused for a reason that a retry does not change
├── NetworkServerError        ChirpStack said no, in words a field engineer understands
├── NotFound                  the thing asked for does not exist
└── Conflict                  somebody else changed it first, or it exists already

Wrap once where the cause is known (`raise StoreUnavailable(...) from error`), log once at the top, never swallow.
"""

from collections.abc import Sequence
from typing import Any


class MjosaError(Exception):
    """What is wrong, where, and what to do about it, in one sentence."""


class ConfigError(MjosaError):
    """Every mistake found in one configuration, each with its place."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class DecodeError(MjosaError):
    """A frame does not follow its product's layout."""


class StoreError(MjosaError):
    """The time-series store or the registry could not do what was asked."""


class StoreUnavailable(StoreError):
    """The store does not answer now; what was to be written is still in the uplink log."""


class StoreRejected(StoreError):
    """The store refuses these rows and will refuse them again.

    `rows` are the indices, in the batch that was written, of the rows refused; all others are stored, and `written` (a
    core.store.Written, or None) says what that did.
    """

    def __init__(self, message: str, rows: Sequence[int] = (), written: Any = None) -> None:
        self.rows = tuple(rows)
        self.written = written
        super().__init__(message)


class NetworkServerError(MjosaError):
    """ChirpStack refused or could not be reached."""


class NotFound(MjosaError):
    """The thing asked for does not exist."""


class Conflict(MjosaError):
    """Somebody else changed it first, or it exists already."""
