"""Users, and the keys that programs use."""

from __future__ import annotations

from dataclasses import replace

import sqlalchemy as sa

import core.registry.tables as tables
from core.errors import NotFound
from core.records import ApiKey, User
from core.registry.codec import from_json, to_json
from core.registry.database import Database

_U, _K = tables.users, tables.api_keys


class UserRegister:
    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, user: User) -> None:
        with self._database.write() as connection:
            self._database.upsert(connection, _U, [{"name": user.name, "body": to_json(user)}])

    def get(self, name: str) -> User | None:
        with self._database.read() as connection:
            row = connection.execute(self._database.mine(_U).where(_U.c.name == name)).one_or_none()
        return None if row is None else from_json(User, row.body)

    def all(self) -> list[User]:
        with self._database.read() as connection:
            return [from_json(User, row.body) for row in connection.execute(self._database.mine(_U).order_by(_U.c.name))]

    def remove(self, name: str) -> None:
        """Raises NotFound."""
        with self._database.write() as connection:
            gone = connection.execute(sa.delete(_U).where(_U.c.utility == self._database.utility, _U.c.name == name))
        if not gone.rowcount:
            raise NotFound(f"there is no user '{name}'")


class KeyRegister:
    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, key: ApiKey) -> None:
        with self._database.write() as connection:
            self._write(connection, key)

    def by_prefix(self, prefix: str) -> list[ApiKey]:
        """Keys whose text begins so; the caller compares the hash of the secret."""
        with self._database.read() as connection:
            return [from_json(ApiKey, row.body) for row in connection.execute(self._database.mine(_K).where(_K.c.prefix == prefix))]

    def get(self, key_id: str) -> ApiKey:
        """Raises NotFound."""
        with self._database.read() as connection:
            return self._get(connection, key_id)

    def all(self) -> list[ApiKey]:
        with self._database.read() as connection:
            return [from_json(ApiKey, row.body) for row in connection.execute(self._database.mine(_K).order_by(_K.c.id))]

    def revoke(self, key_id: str) -> None:
        """Raises NotFound."""
        self._change(key_id, revoked=True)

    def used(self, key_id: str, at: float) -> None:
        """Note when a key was last used. Raises NotFound."""
        self._change(key_id, last_used_at=at)

    def _change(self, key_id: str, **fields: float | bool) -> None:
        with self._database.write() as connection:
            self._write(connection, replace(self._get(connection, key_id), **fields))  # type: ignore[arg-type]

    def _get(self, connection: sa.Connection, key_id: str) -> ApiKey:
        row = connection.execute(self._database.mine(_K).where(_K.c.id == key_id)).one_or_none()
        if row is None:
            raise NotFound(f"there is no key '{key_id}'")
        return from_json(ApiKey, row.body)

    def _write(self, connection: sa.Connection, key: ApiKey) -> None:
        self._database.upsert(connection, _K, [{"id": key.id, "prefix": key.prefix, "body": to_json(key)}])
