"""The OpenAPI document is true: generated requests get the answers it describes."""

import asyncio
import json
import urllib.request
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings

from producers.gateway.models import IDENTIFIER_BYTES
from producers.gateway.operations import OPERATIONS, openapi
from tests.harness import Stack
from tests.producers.gateway import booths


EXAMPLES = 25
"""Requests an operation, valid and invalid ones: seconds for all."""


@pytest.fixture(scope="module")
def unlimited(shared_stack: Stack) -> booths.RunningGateway:
    """Run a gateway that does not mind many requests."""
    found = booths.started(shared_stack, "unlimited", SCRUTIN_GATEWAY_VOTER_RATE="1000000",
                           SCRUTIN_GATEWAY_NETWORK_RATE="1000000")
    asyncio.run(found.ready())
    return found


described = schemathesis.openapi.from_dict(json.loads(openapi()))


@described.parametrize()
@settings(max_examples=EXAMPLES, derandomize=True,
          suppress_health_check=list(HealthCheck))
def test_every_answer_is_one_that_the_document_describes(
    case: Any, unlimited: booths.RunningGateway
) -> None:
    """Whatever is asked: a described status, type and body, and never a fault of ours."""
    _name_what_is_there(case)
    case.call_and_validate(base_url=unlimited.url)


def _name_what_is_there(case: Any) -> None:
    """Point a request at a consultation and a proposal that exist, where it names any."""
    parts, body = case.path_parameters or {}, case.body
    if _is_name(parts.get("consultation")):
        parts["consultation"] = "town"
    if _is_name(parts.get("proposal")):
        parts["proposal"] = "p1"
    if isinstance(body, dict) and _is_name(body.get("proposal")):
        body["proposal"] = "p1"


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= IDENTIFIER_BYTES


def test_the_document_names_every_address_of_the_api(unlimited: booths.RunningGateway) -> None:
    """Each operation below /v1/ but the document itself is described."""
    with urllib.request.urlopen(f"{unlimited.url}/v1/openapi.json") as answer:
        paths = json.load(answer)["paths"]
    found = {(method.upper(), path) for path, methods in paths.items() for method in methods}

    assert found == {(each.method, each.path) for each in OPERATIONS if each.documented}
    assert json.loads(openapi())["paths"] == paths
