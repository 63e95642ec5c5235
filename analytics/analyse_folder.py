"""Everything on one data folder: how a utility tries Mjøsa on its own history."""

from __future__ import annotations

from pathlib import Path

from analytics.folder import DataFolder, open_folder, write_events
from analytics.localise import localise
from analytics.network_file import read_network
from analytics.scan import Progress, scan
from core.model import Event


def analyse_folder(path: Path, *, progress: Progress | None = None) -> tuple[Event, ...]:
    """Run every detector over a folder's whole history, place its leaks where there is a hydraulic model, write events.json.

    The events are written before leaks are placed, so that a model EPANET does not like costs nothing but the places.
    """
    folder = open_folder(path)
    found = scan(folder.store, folder.town, folder.start, folder.end, progress=progress).events
    write_events(found, path / "events.json")
    placed = located(folder, found)
    if placed != found:
        write_events(placed, path / "events.json")
    return placed


def events_of(folder: DataFolder, *, progress: Progress | None = None) -> tuple[Event, ...]:
    """The events of a folder that is already open, leaks placed."""
    return located(folder, scan(folder.store, folder.town, folder.start, folder.end, progress=progress).events)


def located(folder: DataFolder, events: tuple[Event, ...]) -> tuple[Event, ...]:
    """Events with their leaks placed in the folder's hydraulic model, if it has one."""
    if folder.model is None:
        return events
    return tuple(localise(events, folder.store, folder.town, folder.model, folder.start, folder.end))


def pipe_distances(folder: DataFolder) -> dict[str, dict[str, float]]:
    """Metres along the pipes from every truly leaking pipe to all others; empty without a model or leaks."""
    if folder.model is None or not folder.truth:
        return {}
    network = read_network(folder.model)
    return {x["pipe"]: network.from_pipe(x["pipe"]) for x in folder.truth.get("leaks", ()) if x.get("pipe")}
