"""Registering a sensor, and all that happens to it later, in ChirpStack and the registry as one.

    check → device and keys in ChirpStack → asset and sensor in the registry → remembered by the entry's own id

When ChirpStack refuses, nothing is written; when the registry refuses, the device made in ChirpStack is taken back; when
ChirpStack does not answer, the registry is written and ChirpStack's half waits (keys sealed) and is tried again. Sending
an entry twice gives the first answer again.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import structlog

from core.errors import Conflict, MjosaError, NetworkServerError, NotFound
from core.registry import Registry
from core.town import Calibration, Sensor, Town
from gateway.chirpstack import NetworkDevice, NetworkServerUnavailable
from gateway.entry import Entry, Keys, Outcome, check, check_codes, check_free, fingerprint_of, hash_of, wanted_of
from gateway.fleet import Fleet, Wanted
from gateway.keysafe import KeySafe

__all__ = ["Entry", "Keys", "Outcome", "Registration"]
log = structlog.get_logger("mjosa.registration")
_DONE, _WAITS = "registration:", "network_waits:"
_RETRY_S = (15.0, 60.0, 300.0, 900.0)


class Registration:
    """Every method raises Conflict, NotFound, NetworkServerError or StoreError with a sentence; after an error nothing has changed."""

    def __init__(self, registry: Registry, fleet: Fleet | None, safe: KeySafe, *, clock: Callable[[], float] = time.time) -> None:
        self.registry, self.fleet, self.safe, self.clock = registry, fleet, safe, clock
        self._lock = threading.RLock()

    # a new sensor

    def register(self, entry: Entry, actor: str, *, fresh: bool = False) -> Outcome:
        """Registers a sensor and its device. `fresh`: the caller knows that ChirpStack has no such device."""
        with self._lock:
            earlier = self.answered(entry.client_id, fingerprint_of(entry))
            if earlier:
                return earlier
            town = self.registry.town()
            entry = replace(entry, sensor=_as_written(entry.sensor, town))
            check(entry, town)
            wanted = wanted_of(entry.sensor, entry.keys)
            created, waits = self._to_network(wanted, fresh=fresh)
            try:
                self._to_registry(entry, town, actor)
            except MjosaError:
                if created:
                    self._take_back(wanted)
                raise
            if waits:
                self._wait(wanted, waits)
            return self._remember(entry.client_id, fingerprint_of(entry), entry.sensor, waits)

    def register_all(self, entries: Sequence[Entry], actor: str, there: Mapping[str, NetworkDevice]) -> list[str]:
        """Many checked entries at once; why each was refused, '' where it is registered. `there` is what ChirpStack has.

        The registry takes them together; where it refuses that, one by one. Nothing is remembered by client id: doing it
        again finds everything there.
        """
        refusals, taken = [""] * len(entries), []
        with self._lock:
            for i, entry in enumerate(entries):
                dev_eui, wanted = entry.sensor.dev_eui, wanted_of(entry.sensor, entry.keys)
                try:
                    waits = self._to_network(wanted, fresh=dev_eui not in there)[1]
                except MjosaError as error:
                    refusals[i] = str(error)
                    continue
                if waits:
                    self._wait(wanted, waits)
                taken.append(i)
            town = self.registry.town()
            assets = {a.id: a for i in taken if (a := entries[i].asset) is not None and a != town.asset_by_id.get(a.id)}
            changed = [s for i in taken if (s := entries[i].sensor) not in town.placements.get(s.id, ())]
            try:
                if assets or changed:
                    self.registry.put_all([*assets.values(), *changed], actor)
            except MjosaError:
                for i in taken:
                    try:
                        self._to_registry(entries[i], self.registry.town(), actor)
                    except MjosaError as error:
                        refusals[i] = str(error)
        return refusals

    def answered(self, client_id: str, fingerprint: str) -> Outcome | None:
        """The answer an entry has had. Raises Conflict where the same id came with other contents."""
        known = self.registry.documents.get(_DONE + client_id)
        if known is None:
            return None
        if known["fingerprint"] != fingerprint:
            raise Conflict(f"This entry was sent before with other contents, as sensor '{known['sensor']}'; make a new entry to change it.")
        waiting = known["status"] == "queued" and self.registry.documents.get(_WAITS + known["dev_eui"])
        return Outcome(
            "queued" if waiting else "done", known["sensor"], known["dev_eui"], known["message"] if waiting else "", repeated=True
        )

    def _to_network(self, wanted: Wanted, *, fresh: bool = False) -> tuple[bool, str]:
        """(made there now, why it must wait)."""
        if self.fleet is None:
            return False, "This process has no network server."
        try:
            return self.fleet.apply(wanted, fresh=fresh), ""
        except NetworkServerUnavailable as error:
            return False, str(error)

    def _take_back(self, wanted: Wanted) -> None:
        """Removes a device made a moment ago; where ChirpStack has gone meanwhile, disables it when it is back."""
        try:
            self._fleet().client.delete_device(wanted.dev_eui)
        except NetworkServerUnavailable as error:
            self._wait(replace(wanted, disabled=True), str(error))

    def _to_registry(self, entry: Entry, town: Town, actor: str) -> None:
        if entry.asset is not None and entry.asset != town.asset_by_id.get(entry.asset.id):
            self.registry.put(entry.asset, actor)
        if entry.sensor not in town.placements.get(entry.sensor.id, ()):
            self.registry.put(entry.sensor, actor)

    def _remember(self, client_id: str, fingerprint: str, sensor: Sensor, waits: str) -> Outcome:
        outcome = Outcome("queued" if waits else "done", sensor.id, sensor.dev_eui, waits)
        self.registry.documents.put(_DONE + client_id, {**asdict(outcome), "fingerprint": fingerprint, "at": self.clock()})
        return outcome

    # later

    def move(self, client_id: str, sensor: str, asset: str, at: float, actor: str, *, changes: Mapping[str, Any] | None = None) -> Outcome:
        """The device to another asset; what it measured stays with the old one. `changes`: position, mounting … at the new place."""

        def work() -> Sensor:
            there = self._current(sensor)
            moved = there if there.asset == asset else self.registry.move_sensor(sensor, asset, at, actor)
            if changes:
                moved = Sensor.model_validate({**moved.model_dump(exclude_unset=True), **changes})
                self.registry.put(moved, actor)
            return moved

        return self._once(client_id, ("move", sensor, asset, dict(changes or {})), work)

    def swap(self, client_id: str, sensor: str, dev_eui: str, at: float, actor: str, *, keys: Keys | None = None,
             model: str | None = None, join_eui: str | None = None) -> Outcome:  # fmt: skip
        """Another device at the same point; the history goes on. The old device is disabled in ChirpStack."""
        with self._lock:
            fingerprint = hash_of(("swap", sensor, dev_eui.lower(), model))
            earlier = self.answered(client_id, fingerprint)
            if earlier:
                return earlier
            old = self._current(sensor)
            if old.dev_eui == dev_eui.lower():
                return self._remember(client_id, fingerprint, old, self._apply_or_wait(wanted_of(old, keys)))
            new = old.model_copy(update={"dev_eui": dev_eui.lower(), "model": model or old.model, "join_eui": join_eui, "valid_from": at})
            check_codes(new, keys)
            check_free(self.registry.town(), new, at)
            wanted = wanted_of(new, keys)
            created, waits = self._to_network(wanted)
            try:
                self.registry.swap_sensor(sensor, new.dev_eui, at, actor, model=model)
            except MjosaError:
                if created:
                    self._take_back(wanted)
                raise
            if waits:
                self._wait(wanted, waits)
            self._apply_or_wait(replace(wanted_of(old), disabled=True))
            return self._remember(client_id, fingerprint, new, waits)

    def calibrate(self, client_id: str, sensor: str, calibration: Calibration, actor: str) -> Outcome:
        """value = raw · scale + offset from `calibration.valid_from`."""
        key = ("calibrate", sensor, calibration.model_dump(mode="json", exclude={"valid_from"}))
        return self._once(client_id, key, lambda: self.registry.calibrate(sensor, calibration, actor))

    def retire(self, client_id: str, sensor: str, at: float, actor: str) -> Outcome:
        """The point ends; its history stays, and ChirpStack ignores the device from now on."""

        def work() -> Sensor:
            there = self._current(sensor)
            return there if math.isfinite(there.valid_to) else self.registry.retire_sensor(sensor, at, actor)

        return self._once(client_id, ("retire", sensor), work, disabled=True)

    def rekey(self, sensor: str, keys: Keys) -> Outcome:
        """A new root key for the sensor's device, which must then join again."""
        current = self._current(sensor)
        check_codes(current, keys)
        waits = self._apply_or_wait(wanted_of(current, keys))
        return Outcome("queued" if waits else "done", sensor, current.dev_eui, waits)

    def flush_nonces(self, sensor: str) -> Outcome:
        """Lets a device join that ChirpStack turns away because its DevNonce was used before."""
        current = self._current(sensor)
        self._fleet().client.flush_dev_nonces(current.dev_eui)
        return Outcome("done", sensor, current.dev_eui)

    def _once(self, client_id: str, key: tuple[Any, ...], work: Callable[[], Sensor], *, disabled: bool = False) -> Outcome:
        """A change in the registry that ChirpStack is told of; the same id again gives the same answer."""
        with self._lock:
            fingerprint = hash_of(key)
            earlier = self.answered(client_id, fingerprint)
            if earlier:
                return earlier
            sensor = work()
            waits = self._apply_or_wait(replace(wanted_of(sensor), disabled=disabled))
            return self._remember(client_id, fingerprint, sensor, waits)

    # what waits for ChirpStack

    def waiting(self) -> list[dict[str, Any]]:
        """What ChirpStack has not been told yet: dev_eui, sensor, since, attempts, error, not_before."""
        found = (self.registry.documents.get(key) for key in self.registry.documents.keys(_WAITS))
        return [{k: v for k, v in kept.items() if k != "wanted"} for kept in found if kept]

    def retry(self, *, now: bool = False) -> int:
        """Tells ChirpStack what waits and is due (`now`: all of it). Returns how many got through; refusals are kept with their reason."""
        done = 0
        with self._lock:
            for key in self.registry.documents.keys(_WAITS):
                kept = self.registry.documents.get(key)
                if not kept or (not now and kept["not_before"] > self.clock()):
                    continue
                try:
                    self._fleet().apply(self._unsealed(kept["wanted"]))
                except NetworkServerUnavailable as error:
                    self._postpone(key, kept, str(error))
                    return done
                except MjosaError as error:
                    self._postpone(key, kept, str(error))
                else:
                    self.registry.documents.remove(key)
                    done += 1
        return done

    def keep_trying(self, stop: threading.Event, every_s: float = 15.0) -> None:
        """Tells ChirpStack what waits, until stopped: for a thread of its own."""
        while not stop.wait(every_s):
            try:
                self.retry()
            except MjosaError as error:
                log.warning("registration_retry_failed", error=str(error))

    def _apply_or_wait(self, wanted: Wanted) -> str:
        """Why it must wait; empty where ChirpStack was told."""
        if self.fleet is not None and wanted.disabled and wanted.app_key is None:
            try:
                self.fleet.disable(wanted.dev_eui)
            except NetworkServerUnavailable as error:
                self._wait(wanted, str(error))
                return str(error)
            return ""
        waits = self._to_network(wanted)[1]
        if waits:
            self._wait(wanted, waits)
        return waits

    def _wait(self, wanted: Wanted, why: str) -> None:
        """Keeps the newest wish for a device, with the key of an older one that never got through."""
        key, now = _WAITS + wanted.dev_eui, self.clock()
        older = self.registry.documents.get(key)
        sealed = asdict(replace(wanted, app_key=self._sealed(wanted.app_key), nwk_key=self._sealed(wanted.nwk_key)))
        if older and wanted.app_key is None:
            sealed.update(app_key=older["wanted"]["app_key"], nwk_key=older["wanted"]["nwk_key"])
        self.registry.documents.put(key, {"dev_eui": wanted.dev_eui, "sensor": wanted.sensor, "since": older["since"] if older else now,
                                          "attempts": 0, "error": why, "not_before": now + _RETRY_S[0], "wanted": sealed})  # fmt: skip

    def _postpone(self, key: str, kept: dict[str, Any], why: str) -> None:
        attempts = kept["attempts"] + 1
        pause = _RETRY_S[min(attempts, len(_RETRY_S) - 1)]
        self.registry.documents.put(key, {**kept, "attempts": attempts, "error": why, "not_before": self.clock() + pause})

    def _sealed(self, key: str | None) -> str | None:
        return None if key is None else self.safe.seal(key)

    def _unsealed(self, data: Mapping[str, Any]) -> Wanted:
        keys = {name: data[name] and self.safe.open(data[name]) for name in ("app_key", "nwk_key")}
        return Wanted(**{**data, **keys})

    def _current(self, sensor: str) -> Sensor:
        found = self.registry.town().current.get(sensor)
        if found is None:
            raise NotFound(f"There is no sensor '{sensor}'.")
        return found

    def _fleet(self) -> Fleet:
        if self.fleet is None:
            raise NetworkServerError("This process has no network server; set MJOSA_CHIRPSTACK_URL.")
        return self.fleet


def _as_written(sensor: Sensor, town: Town) -> Sensor:
    """The sensor as it is registered already, where only its first moment differs: an earlier try got this far."""
    there = town.current.get(sensor.id)
    if there is not None and there.model_copy(update={"valid_from": sensor.valid_from}) == sensor:
        return there
    return sensor
