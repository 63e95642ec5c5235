"""mjosa dashboards diff · push."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from core.errors import ConfigError
from core.settings import Settings
from dashboards.publish import Compared, State, compare, connect, push

app = typer.Typer(no_args_is_help=True, help="The boards in a Grafana that you have already (the stack's own gets them as files).")
Url = Annotated[str | None, typer.Option("--url", help="Grafana's address; default MJOSA_GRAFANA_URL.")]
JsonFlag = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


@app.command("diff")
def diff(ctx: typer.Context, url: Url = None, as_json: JsonFlag = False) -> None:
    """What a push would change. Exit code 1 where something differs."""
    with connect(*_where(ctx.obj, url)) as grafana:
        found = compare(grafana)
    _show(found, as_json, "differs")
    if not as_json:
        for one in found:
            typer.echo("\n".join(one.difference), nl=bool(one.difference))
    if any(c.state in (State.NEW, State.CHANGED, State.EDITED) for c in found):
        raise typer.Exit(1)


@app.command("push")
def push_(
    ctx: typer.Context,
    url: Url = None,
    replace_edited: Annotated[bool, typer.Option("--replace-edited", help="Also boards somebody has changed in the browser.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Folders, permissions and boards as they are here. What people made themselves is left alone."""
    with connect(*_where(ctx.obj, url)) as grafana:
        found = push(grafana, replace_edited=replace_edited)
    _show(found, as_json, "was")
    left = [c.title for c in found if c.state is State.EDITED and not replace_edited]
    if left:
        typer.echo(
            f"Left alone, because somebody has changed them: {', '.join(left)}. --replace-edited puts ours in their place.", err=True
        )


def _where(settings: Settings, url: str | None) -> tuple[str, str]:
    address, token = url or settings.grafana_url, settings.grafana_token
    missing = [] if address else ["MJOSA_GRAFANA_URL: say which Grafana, or use --url"]
    missing += [] if token else ["MJOSA_GRAFANA_TOKEN: a service account's token (role Admin) is needed"]
    if address is None or token is None or missing:
        raise ConfigError(missing)
    return address, token.get_secret_value()


def _show(found: Sequence[Compared], as_json: bool, column: str) -> None:
    if as_json:
        rows = [{"uid": c.uid, "title": c.title, "state": str(c.state), "difference": list(c.difference)} for c in found]
        typer.echo(json.dumps(rows, ensure_ascii=False))
        return
    table = Table("uid", "board", column)
    for one in found:
        table.add_row(one.uid, one.title, str(one.state))
    Console().print(table)
