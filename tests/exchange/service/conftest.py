"""An exchange service with one released assignment, for tests that leave it usable."""

import pytest

from tests.exchange.service.exchange_server import ExchangeServer, FakeHub


@pytest.fixture(scope="session")
def fake_hub():
    hub = FakeHub()
    yield hub
    hub.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory, fake_hub):
    """A running service whose course ai-foundations has released a1, with an English variant."""
    server = ExchangeServer(tmp_path_factory.mktemp("exchange") / "store", fake_hub).start()
    release = {
        "nb.ipynb": b'{"es": 1}',
        "data/x.csv": b"1,2\n",
        ".languages/en/nb.json": b'{"en": 1}',
    }
    assert server.person("instructor").release(release).status_code == 200
    yield server
    server.stop()
