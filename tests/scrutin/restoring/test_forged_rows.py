"""Rows of the archive that were never records, and a broker that takes none so large, are said."""

from typing import Any

import pyarrow as pa
import pytest
from aiokafka.errors import KafkaConnectionError, MessageSizeTooLargeError

from schemas.topics import Topics
from scrutin.restoring.filling import FillingFailed, _cause
from sinks.kept import ArchiveUnfit, KeptRecord, _records
from sinks.logs import kept_logs


VOTES = kept_logs(Topics("town", 1))[0]


def read(**columns: Any) -> list[KeptRecord]:
    row = {"offset": 7, "milliseconds": 5, "key": None, "value": b"v", "header_names": [b"a"],
           "header_values": [b"x"], **columns}
    return list(_records(VOTES, 0, pa.table({name: [datum] for name, datum in row.items()})))


@pytest.mark.parametrize("headers", [
    {"header_names": [b"\xff"]}, {"header_values": []}, {"header_names": []},
    {"header_names": [b"a", b"\xed\xa0\x80"], "header_values": [b"x", b"y"]}])
def test_a_row_with_headers_that_no_record_has_is_refused_by_its_place(
    headers: dict[str, Any]
) -> None:
    """Names that are no text, or more of one than of the other: said, and no trace of ours."""
    with pytest.raises(ArchiveUnfit, match=r"town.votes partition 0 offset 7 has headers"):
        read(**headers)


def test_a_row_of_a_record_is_read_as_it_lay() -> None:
    """Whatever its time, with headers that hold nothing, under a name of no letters."""
    for milliseconds in (-(1 << 63), -1, 0, (1 << 63) - 1):
        assert read(milliseconds=milliseconds, header_names=[b""], header_values=[None]) == [
            KeptRecord(7, milliseconds, None, b"v", [("", None)])]


def test_a_record_too_large_for_the_broker_is_no_broker_that_is_away() -> None:
    """Started again it would refuse it again: who goes on with --resume would do so for ever."""
    large, away = (_cause(ExceptionGroup("all", [ExceptionGroup("one", [each])]))
                   for each in (MessageSizeTooLargeError(), KafkaConnectionError()))

    assert isinstance(large, FillingFailed)
    assert "refused a record for its size" in str(large)
    assert "stopped answering" in str(away)
