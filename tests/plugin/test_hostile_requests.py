"""Whatever a request asks, a route answers, and with a code that http_api.md names."""

from __future__ import annotations

from argparse import Namespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_stores import make_run
from plugin.asking import CODES, strict
from plugin.conftest import BASE, Board

NAMES = [
    "run", "kind", "layer", "since", "tiles", "positions", "position", "image", "writer", "offset",
    "length", "crc", "sheets", "segment", "unknown",
]  # fmt: skip
KNOWN = [
    "photographs", "activations", "cam", "conv1", "", "0", "1", "0-3", "-1", "1,2", "9" * 15,
    "9" * 16, "0" * 16, "../photographs", "/etc/passwd", "\0", "0:0:0:0", "é", "0.0.0.0.a", "1e3",
    "3-1", "0" * 16 + ":0:10:0", "1.00000000.0000000000000000.0.live",
]  # fmt: skip
texts = st.one_of(st.sampled_from(KNOWN), st.text(max_size=20), st.integers().map(str))
queries = st.lists(st.tuples(st.sampled_from(NAMES), texts), max_size=9)
methods = st.sampled_from(["GET", "GET", "GET", "HEAD", "POST", "PUT", "DELETE", "TRACE", "X"])


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    logdir = tmp_path_factory.mktemp("logs")
    make_run(logdir / "photographs", positions=3, images=1)
    flags = Namespace(logdir=str(logdir), logdir_spec="")
    board = Board(logdir=str(logdir), flags=flags)
    yield board
    board.plugin.close()


def answered(response):
    assert response.status_code in CODES, response.get_data(as_text=True)
    if response.headers["Content-Type"].startswith("application/json") and response.get_data():
        strict(response.get_data())
    if response.status_code != 200 and response.get_data():
        assert set(response.get_json()) == {"error"}


def any_query(one, route, method, query, known):
    first = [("run", "photographs")] if known else []
    response = one._client.open(f"{BASE}{route}", method=method, query_string=[*first, *query])
    answered(response)
    assert (response.status_code == 405) == (method not in {"GET", "HEAD"})


ROUTES = [
    "/runs", "/index", "/series", "/sheet", "/sheets", "/strip", "/scalars", "/health", "/channels",
    "/predictions", "/model", "/costs", "/static/index.js",
]  # fmt: skip


def test_no_route_is_forgotten(one):
    routes = {route.replace("/*", "/index.js") for route in one.plugin.get_plugin_apps()}
    assert routes == set(ROUTES)


@given(route=st.sampled_from(ROUTES), method=methods, query=queries, known=st.booleans())
@settings(max_examples=400)
def test_any_query(one, route, method, query, known):
    any_query(one, route, method, query, known)


@given(raw=st.binary(max_size=60), route=st.sampled_from(ROUTES))
@settings(max_examples=100)
def test_any_bytes_as_a_query(one, raw, route):
    environ = {"QUERY_STRING": raw.decode("latin-1")}
    answered(one._client.open(f"{BASE}{route}", environ_overrides=environ))


segments = st.sampled_from(["..", ".", "%2e%2e", "etc", "passwd", "\\", "%00", "index.js", "", "é"])


@given(path=st.lists(st.one_of(segments, st.text(max_size=6)), max_size=6).map("/".join))
@settings(max_examples=150)
def test_any_path_below_static(one, path):
    environ = {"PATH_INFO": f"{BASE}/static/{path}".encode().decode("latin-1")}
    response = one._client.open(BASE, environ_overrides=environ)
    assert response.status_code in {200, 404}
    assert b"root:" not in response.get_data()


@pytest.mark.every_row
@given(route=st.sampled_from(ROUTES), method=methods, query=queries, known=st.booleans())
@settings(max_examples=10_000)
def test_any_query_at_length(one, route, method, query, known):
    any_query(one, route, method, query, known)
