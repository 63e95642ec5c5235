"""The InfluxDB adapter against a real server: what is written, who is waited for, what is refused."""

import gzip
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import StoreRejected, StoreUnavailable
from core.model import Flag, Reading, Readings, TimeOrigin
from core.stores import open_store
from core.stores.influx import MAX_LINES, InfluxStore
from core.stores.line_protocol import decoded, encoded, nanoseconds, seconds
from tests.stores.influx_server import mapped
from tests.stores.ports import free_port

T0 = 1_780_000_000.0


def batch(*rows):
    return Readings.from_rows(Reading(*row) for row in rows)


@pytest.fixture
def influx(influx_server, influx_bucket):
    """A store that goes through a server of this test's own: (store, writes seen, answers to give, seconds slept)."""
    answers, slept = [], []
    with mapped(influx_server[0], answers) as (url, seen):
        store = InfluxStore(url, "a-token", "mjosa", influx_bucket, zone_of=lambda dev, t: ZONES.get(dev), sleep=slept.append)
        yield store, seen, answers, slept
        store.close()


ZONES: dict[str, str] = {}


def raw(influx_server, bucket, question):
    answer = httpx.post(
        f"{influx_server[0]}/query", data={"db": bucket, "q": question, "epoch": "ns"}, headers={"Accept": "application/csv"}
    )
    return answer.text.strip().splitlines()


def test_the_request_is_gzipped_line_protocol_with_the_token(influx):
    store, seen, _, _ = influx
    ZONES["a84041b1c2d3e4f5"] = "nord øst"
    store.write(batch(("a84041b1c2d3e4f5", "level_m", T0 + 0.25, 1.5, Flag.GOOD, 42, TimeOrigin.PAYLOAD)))
    (write,) = seen
    assert (write["bucket"], write["org"], write["precision"]) == (store._bucket, "mjosa", "ns")
    assert write["headers"]["Authorization"] == "Token a-token"
    assert write["headers"]["Content-Encoding"] == "gzip"
    assert gzip.decompress(write["body"]).decode() == (
        "level,dev_eui=a84041b1c2d3e4f5,quantity=level_m,zone=nord%20%C3%B8st value=1.5,flag=1i,uplink=42i,origin=1i 1780000000250000000"
    )


def test_a_request_holds_at_most_five_thousand_lines(influx):
    store, seen, _, _ = influx
    n = 2 * MAX_LINES + 7
    store.write(Readings.of_series("a", "level_m", T0 + np.arange(float(n)), np.ones(n)))
    assert [len(gzip.decompress(w["body"]).splitlines()) for w in seen] == [MAX_LINES, MAX_LINES, 7]
    assert len(store.read(["a"], "level_m", T0, T0 + n)["a"]) == n


def test_a_changed_zone_makes_no_second_row(influx, influx_server, influx_bucket):
    store, _, _, _ = influx
    ZONES["b"] = "north"
    rows = batch(("b", "level_m", T0, 1.0), ("b", "level_m", T0 + 60, 2.0))
    store.write(rows)
    ZONES["b"] = "south"
    assert store.write(rows).same == 2
    assert store.write(batch(("b", "level_m", T0, 9.0), ("b", "level_m", T0 + 120, 3.0))).changed == 1
    assert store.read(["b"], "level_m", T0, T0 + 999)["b"].x.tolist() == [9.0, 2.0, 3.0]
    zones = raw(influx_server, influx_bucket, "SELECT value, zone FROM level WHERE dev_eui = 'b'")[1:]
    assert [line.split(",")[-2:] for line in zones] == [["9", "north"], ["2", "north"], ["3", "south"]]


def test_a_restarted_store_knows_what_is_there(influx, influx_server, influx_bucket):
    store, _, _, _ = influx
    rows = batch(("a", "level_m", T0, 1.0), ("a", "battery_v", T0, 3.6))
    store.write(rows)
    again = InfluxStore(influx_server[0], "a-token", "mjosa", influx_bucket)
    assert again.write(rows).same == 2
    again.close()


def test_busy_is_waited_for_as_long_as_asked(influx):
    store, seen, answers, slept = influx
    answers += [(429, {"Retry-After": "7"}, b'{"code":"too many requests","message":"slow down"}'), (503, {}, b'{"message":"unavailable"}')]
    assert store.write(batch(("a", "level_m", T0, 1.0))).new == 1
    assert slept == [7.0, 2.0]
    assert len(seen) == 3


def test_waiting_has_an_end(influx):
    store, _, answers, slept = influx
    answers += [(503, {"Retry-After": "600"}, b'{"message":"unavailable"}')] * 9
    with pytest.raises(StoreUnavailable, match="503"):
        store.write(batch(("a", "level_m", T0, 1.0)))
    assert slept == [30.0, 30.0, 30.0]
    answers.clear()
    assert store.write(batch(("a", "level_m", T0, 1.0))).new == 1


def test_refused_lines_are_found_and_named_and_the_others_stored(influx, influx_bucket):
    store, _, _, _ = influx
    store._lines.write(influx_bucket, store._org, f"level,dev_eui=bad,quantity=level_m value=7i {int(T0)}000000000")
    rows = [("good", "pressure_bar", T0 + i, 1.0) for i in range(50)]
    rows[13] = ("a", "level_m", T0, 1.0)
    rows[41] = ("a", "level_m", T0 + 1, 1.0)
    with pytest.raises(StoreRejected, match="field type conflict") as refusal:
        store.write(batch(*rows))
    assert refusal.value.rows == (13, 41)
    assert refusal.value.written.new == 48
    assert len(store.read(["good"], "pressure_bar", T0, T0 + 99)["good"]) == 48


@pytest.mark.parametrize(("status", "says"), [(401, "token"), (403, "may not write"), (404, "mjosa init"), (500, "500")])
def test_what_is_not_the_rows_fault_can_be_tried_again(influx, status, says):
    store, _, answers, _ = influx
    answers.append((status, {}, b'{"code":"x","message":"no"}'))
    with pytest.raises(StoreUnavailable, match=says):
        store.write(batch(("a", "level_m", T0, 1.0)))
    assert store.write(batch(("a", "level_m", T0, 1.0))).new == 1


def test_nobody_there(tmp_path):
    store = open_store(f"influxdb://127.0.0.1:{free_port()}", tmp_path, token="t")
    with pytest.raises(StoreUnavailable, match="does not answer"):
        store.write(batch(("a", "level_m", T0, 1.0)))
    with pytest.raises(StoreUnavailable, match="does not answer"):
        store.read(["a"], "level_m", T0, T0 + 1)
    store.close()


def test_somebody_else_at_that_address(tmp_path):
    """A web server that answers everything with a page is not taken for an empty InfluxDB."""

    class Page(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>, welcome\nto, this, page</html>")

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    store = open_store(f"influxdb://127.0.0.1:{server.server_port}", tmp_path, token="t")
    with pytest.raises(StoreUnavailable, match="not InfluxDB's CSV"):
        store.read(["a"], "level_m", T0, T0 + 1)
    store.close()
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_value_can_become_missing_and_come_back(influx):
    store, _, _, _ = influx
    for x, flag in ((1.0, 2), (np.nan, 9), (2.0, 1)):
        written = store.write(batch(("a", "level_m", T0, x, flag)))
        assert written.new + written.changed == 1
        series = store.read(["a"], "level_m", T0, T0 + 1)["a"]
        np.testing.assert_array_equal(series.x, [x])
        assert series.flag.tolist() == [flag]


def test_many_sensors_at_once(influx):
    store, _, _, _ = influx
    names = [f"{i:016x}" for i in range(450)]
    store.write(batch(*((n, "level_m", T0 + i, float(i)) for i, n in enumerate(names))))
    found = store.read(names, "level_m", T0, T0 + 999)
    assert [found[n].x.tolist() for n in names] == [[float(i)] for i in range(450)]


@given(st.floats(-9e9, 9e9, allow_nan=False))
def test_nanoseconds_give_the_same_float_back(t):
    back = float(seconds(nanoseconds(np.array([t])))[0])
    assert back == t if abs(t) > 1e8 else abs(back - t) < 2e-9


@given(st.text(min_size=1, alphabet=st.characters(blacklist_categories=("Cs",))))
def test_any_name_is_a_safe_tag(name):
    assert decoded(encoded(name)) == name
    assert encoded(name).isascii()
    assert not set(encoded(name)) & set(" ,='\"\\\n/")
