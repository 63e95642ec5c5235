"""`mjosa dashboards diff|push` against a server that speaks Grafana's HTTP API."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from core.errors import ConfigError, Conflict, NotFound
from core.settings import Settings
from dashboards import commands
from dashboards.publish import BOARDS, GrafanaError, State, compare, connect, digest, push
from tests.dashboards.grafana_server import TOKEN, Grafana, serving
from tests.processes import free_port

UID = "mjosa-operations-nb"
ALL = len(list(BOARDS.glob("*/*.json")))


@pytest.fixture(params=[False, True], ids=["grafana-12", "grafana-10"])
def server(request):
    grafana = Grafana(versions_as_list=request.param)
    with serving(grafana) as url, connect(url, TOKEN) as api:
        yield grafana, api, url


def states(found):
    return {c.uid: c.state for c in found}


def test_a_new_grafana_gets_everything_and_a_second_push_changes_nothing(server):
    grafana, api, _ = server
    assert set(states(compare(api)).values()) == {State.NEW}
    assert not grafana.writes
    push(api)
    assert len(grafana.boards) == ALL
    assert grafana.folders == {"mjosa-nb": "Mjøsa", "mjosa-en": "Mjøsa (English)"}
    assert grafana.homes[UID] == "mjosa-nb"
    kept = {k: v for k, v in grafana.boards[UID].items() if k not in ("id", "version")}
    ours = json.loads((BOARDS / "nb" / "operations.json").read_text(encoding="utf-8"))
    assert kept == {k: v for k, v in ours.items() if k not in ("id", "version")}
    writes = grafana.writes
    assert set(states(push(api)).values()) == {State.SAME}
    assert grafana.writes == writes


def test_editors_only_look_and_what_people_were_given_stays(server):
    grafana, api, _ = server
    push(api)
    assert {"userId": 1, "permission": 4} in grafana.permissions["mjosa-nb"]
    grafana.permissions["mjosa-nb"] = [{"role": "Editor", "permission": 2}, {"teamId": 7, "permission": 2},
                                       {"userId": 3, "permission": 4, "inherited": True}]  # fmt: skip
    push(api)
    assert grafana.permissions["mjosa-nb"] == [
        {"role": "Viewer", "permission": 1}, {"role": "Editor", "permission": 1}, {"teamId": 7, "permission": 2},
    ]  # fmt: skip


def test_a_board_of_an_older_mjosa_is_brought_up_to_date_where_it_is(server):
    grafana, api, _ = server
    push(api)
    older = {**grafana.boards[UID], "title": "Old"}
    grafana.folders["elsewhere"] = "Elsewhere"
    grafana.keep(older, "elsewhere", "mjosa " + digest(older))
    (one,) = [c for c in compare(api) if c.state is not State.SAME]
    assert (one.uid, one.state) == (UID, State.CHANGED)
    assert '-  "title": "Old",' in [line.replace('- "', '-  "') for line in one.difference]
    push(api)
    assert grafana.boards[UID]["title"] == "Drift"
    assert grafana.homes[UID] == "elsewhere"
    assert grafana.boards[UID]["version"] == 3


def test_work_of_people_is_never_overwritten_unasked(server):
    grafana, api, _ = server
    push(api)
    mine = {**grafana.boards[UID], "title": "Mine"}
    grafana.keep(mine, "mjosa-nb", "more red")
    grafana.keep({**mine, "uid": "a-copy"}, "mjosa-nb")
    assert states(push(api))[UID] is State.EDITED
    assert grafana.boards[UID]["title"] == "Mine"
    push(api, replace_edited=True)
    assert grafana.boards[UID]["title"] == "Drift"
    assert grafana.boards["a-copy"]["title"] == "Mine"
    assert grafana.boards["a-copy"]["version"] == 1
    assert set(states(push(api)).values()) == {State.SAME}


def test_boards_fed_by_files_are_left_to_the_files(server):
    grafana, api, _ = server
    push(api)
    grafana.provisioned = set(grafana.boards)
    writes = grafana.writes
    assert set(states(push(api, replace_edited=True)).values()) == {State.PROVISIONED}
    assert grafana.writes == writes


def test_a_save_between_look_and_push_is_not_lost(server):
    grafana, api, _ = server
    push(api)
    older = {**grafana.boards[UID], "title": "Old"}
    grafana.keep(older, "mjosa-nb", "mjosa " + digest(older))
    grafana.before_save = lambda uid: grafana.keep({**older, "title": "At the same moment"}, "mjosa-nb")
    with pytest.raises(Conflict, match="'Drift' was saved by somebody else"):
        push(api)
    assert grafana.boards[UID]["title"] == "At the same moment"


def test_mistakes_are_sentences(server):
    grafana, api, url = server
    grafana.datasources.clear()
    with pytest.raises(NotFound, match="no datasource 'mjosa-influxdb'"):
        push(api)
    assert not grafana.writes
    with connect(url, "wrong") as stranger, pytest.raises(GrafanaError, match="the token is not accepted"):
        push(stranger)
    with connect(f"http://127.0.0.1:{free_port()}", TOKEN) as nobody, pytest.raises(GrafanaError, match="does not answer"):
        compare(nobody)


def test_the_commands(server, tmp_path):
    grafana, _, url = server
    settings = Settings(data_dir=tmp_path, grafana_url=url, grafana_token=TOKEN)

    def run(*words):
        return CliRunner().invoke(commands.app, [*words], obj=settings, catch_exceptions=False)

    before = run("diff", "--json")
    assert before.exit_code == 1
    assert {row["state"] for row in json.loads(before.stdout)} == {"new"}
    assert run("push").exit_code == 0
    assert run("diff").exit_code == 0
    grafana.keep({**grafana.boards[UID], "title": "Mine"}, "mjosa-nb")
    assert "Left alone, because somebody has changed them: Drift" in run("push").output
    changed = run("diff")
    assert changed.exit_code == 1
    assert '"title": "Mine"' in changed.output
    with pytest.raises(ConfigError) as refused:
        CliRunner().invoke(commands.app, ["push"], obj=Settings(data_dir=tmp_path), catch_exceptions=False)
    assert len(refused.value.problems) == 2
