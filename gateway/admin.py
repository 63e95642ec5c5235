"""ChirpStack comes with one administrator whose password everybody knows; it does not keep it."""

from __future__ import annotations

from chirpstack_api import api

from core.errors import NetworkServerError
from gateway.chirpstack import ChirpStack, NetworkServerUnavailable, UnknownOrForeign

_DEFAULT = "admin"


def replace_default_password(client: ChirpStack, password: str) -> bool:
    """Give `admin` this password if it still has the one it came with; whether it had. Wants an administrator's key.

    Raises NetworkServerError where ChirpStack does not answer or refuses.
    """
    try:
        client.call(client.sign_in, api.LoginRequest(email=_DEFAULT, password=_DEFAULT), "the default password")
    except NetworkServerUnavailable:
        raise
    except (NetworkServerError, UnknownOrForeign):
        return False
    users = client.list_all(client.users.List, api.ListUsersRequest(), "the users")
    for user in users:
        if user.email == _DEFAULT:
            client.call(client.users.UpdatePassword, api.UpdateUserPasswordRequest(user_id=user.id, password=password), "the new password")
    return True
