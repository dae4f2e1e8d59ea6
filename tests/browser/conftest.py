"""One site and one Chromium for the tests that look at pages; nothing is skipped without them."""

import asyncio
import shutil
import uuid
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright, expect

from deploy.local.services import Broker
from schemas.topics import Topics
from tests.browser.site import Site, opened
from tests.browser.windows import WAIT_MILLISECONDS, Windows
from tests.harness import Stack


CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ("--no-sandbox", "--disable-background-networking", "--disable-dev-shm-usage")
"""Root has no sandbox; Chromium itself must not ask anybody for anything."""


@pytest.fixture(scope="session")
def site(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Run a site; tests keep apart by consultation."""
    topics = Topics(f"test_{uuid.uuid4().hex[:12]}", 2)
    stack = Stack(broker.address, topics, tmp_path_factory.mktemp("site"))
    try:
        yield asyncio.run(opened(stack))
    finally:
        stack.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium() -> AsyncIterator[Browser]:
    """Run the Chromium of this machine."""
    found = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if found is None:
        pytest.fail("there is no Chromium on this machine: install it (on Debian and Ubuntu "
                    "`apt install chromium`; `make setup` does it for root)")
    expect.set_options(timeout=WAIT_MILLISECONDS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="module")
async def windows(chromium: Browser, site: Site) -> AsyncIterator[Windows]:
    """Open windows; the test fails where one of them did what a page must never do."""
    found = Windows(chromium, site.url)
    yield found
    await found.close()
    assert not found.faults
