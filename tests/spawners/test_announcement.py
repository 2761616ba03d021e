"""A port, once, by the session's own token: nothing else gets through the announcement."""

import pytest

from spawners.announcement import _port


@pytest.mark.parametrize("port", [1024, 4711, 65535])
def test_a_port_is_a_port(port):
    assert _port(b'{"port": %d}' % port) == port


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"4711",
        b"[]",
        b"null",
        b"{}",
        b"\xff",
        b'{"port": 80}',
        b'{"port": 0}',
        b'{"port": 65536}',
        b'{"port": -1}',
        b'{"port": "4711"}',
        b'{"port": 4711.0}',
        b'{"port": true}',
        b'{"port": null}',
        b'{"port": [4711]}',
        b'{"port": 4711, "batch_query_cmd": "id"}',
        b'{"batch_query_cmd": "id > /tmp/x"}',
        b'{"Port": 4711}',
        b'{"port": 4711}' + b" " * 100,
        b'{"port": NaN}',
    ],
)
def test_anything_else_is_not(body):
    assert _port(body) is None
