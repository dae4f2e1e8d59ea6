"""A gateway compiles the booth's page before anybody asks for it."""

from pathlib import Path

import httpx2
import pytest
from jinja2 import DictLoader

from tests.scrutin.gateway.test_embargo import VOTED, desk
from tests.views import campaign
from tests.views.test_embargo import world
from views.api import Beside, application
from views.pages import rendering
from views.pages.languages import LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_first_to_see_a_page_of_the_booth_waits_for_no_template(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    """Prepared once, it is shown where no template can be read any more."""
    found, kept = desk(tmp_path, embargo=False)
    app = application(world(swapped=False, embargo=False), beside=Beside(desk=found))
    rendering.environment.cache_clear()
    rendering.prepare()
    loader = rendering.environment(language).loader
    monkeypatch.setattr(loader, "get_source", DictLoader({}).get_source)
    async with httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app), base_url="http://127.0.0.1:8080") as client:
        address = f"/c/{campaign.CONSULTATION}/vote?proposal={VOTED}&lang={language}"
        answer = await client.get(address, headers={
            "cookie": f"scrutin-device={kept['device']}; scrutin-paper={kept['paper']}",
            "sec-fetch-site": "same-origin"})

    assert answer.status_code == 200
    assert 'aria-pressed="true"' in answer.text
