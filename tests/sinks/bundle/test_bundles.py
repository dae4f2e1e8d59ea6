"""An honest bundle verifies."""
from deploy.local.services import ClickHouse
from pathlib import Path
from tests.sinks.ballots import random_box
from tests.sinks.bundle.making import *

def test_smoke(clickhouse: ClickHouse, topic_prefix: str, tmp_path: Path) -> None:
    found = made(clickhouse.url, topic_prefix, random_box(21, 700), tmp_path)
    for b in (found.auditor, found.public):
        v = verified(b)
        print(v.fault, v.records, v.differing_decisions, len(b))
        for c in v.claims: print(c)
    open("/tmp/s/aud.zip","wb").write(found.auditor)
    open("/tmp/s/pub.zip","wb").write(found.public)
    print(contents(found.public)[layout.BALLOTS].decode()[:900])
    print(contents(found.public)[layout.LEAVES].decode()[:900])
    assert 0
