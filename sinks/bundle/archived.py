"""What a bundle takes from the archive."""

from collections.abc import Collection, Iterable, Iterator
from importlib import resources
from itertools import groupby
from typing import Any

from clickhouse_connect.driver.client import Client

from processors.results.catalogue import Consultation
from schemas.topics import Topics
from sinks.bundle.ballots import SHARED_VOTERS, Row
from sinks.bundle.layout import Record
from sinks.bundle.withheld import hidden_in
from sinks.catching_up import Say
from sinks.recount.controls import suspended_by
from sinks.recount.pure import accepted
from sinks.recount.reading import Reading


ALL_RECORDS = 2**63 - 1
"""An offset beyond every record of the catalogue."""
_CATALOGUE = """
SELECT offset, value FROM catalogue WHERE topic = {topic:String}
    AND consultation = {consultation:String} AND offset <= {last:Int64} ORDER BY offset
"""
_NAMELESS = """
SELECT offset, value FROM catalogue WHERE topic = {topic:String}
    AND consultation = '' AND offset < {size:Int64} ORDER BY offset
"""
_ENDINGS = """
SELECT offset, value FROM votes WHERE topic = {topic:String} AND partition = {partition:UInt32}
    AND consultation = {consultation:String} AND offset <= {last:Int64}
    AND kind IN ('consultation_closed', 'consultation_sealed') ORDER BY offset
"""
_SUSPENSIONS = """
SELECT count() FROM votes WHERE topic = {topic:String} AND consultation = {consultation:String}
    AND offset <= {vector:Array(Int64)}[partition + 1]
    AND kind IN ('voter_suspended', 'voter_reinstated')
"""


class ArchivedConsultation:
    """One consultation in the archive, up to the offsets of a result."""

    def __init__(
        self, client: Client, topics: Topics, consultation: str, vector: list[int]
    ) -> None:
        self._client, self._topics, self._consultation = client, topics, consultation
        self._vector = vector
        self._reading = Reading(client, topics, vector)

    def wait(self, catalogue: int, say: Say) -> None:
        """Wait until the archive holds all that the result counts."""
        self._reading.wait(catalogue, say=say)

    def catalogue(self, last: int) -> list[Record]:
        """Return the consultation's records in the catalogue."""
        return self._records(_CATALOGUE, topic=self._topics.catalogue, last=last)

    def keys(self, size: int) -> list[Record]:
        """Return the records that name no consultation, of the first `size` of the catalogue."""
        return self._records(_NAMELESS, topic=self._topics.catalogue, size=size)

    def known(self, last: int) -> Consultation | None:
        """Fold what the catalogue says of the consultation, up to an offset."""
        return self._reading.catalogue(last).consultations.get(self._consultation)

    def hidden_now(self) -> set[str]:
        """List the proposals whose words are hidden, as far as the archive is."""
        return hidden_in(self.known(ALL_RECORDS))

    def endings(self, partition: int) -> list[Record]:
        """Return what closed and sealed the consultation in a partition."""
        return self._records(_ENDINGS, topic=self._topics.votes, partition=partition,
                             last=self._vector[partition])

    def suspensions(self) -> int:
        """Count the suspensions and reinstatements of voters."""
        rows = self._client.query(_SUSPENSIONS, parameters={
            "topic": self._topics.votes, "consultation": self._consultation,
            "vector": self._vector}).result_rows
        return int(rows[0][0])

    def votes(self, partition: int) -> Iterator[Record]:
        """Yield every vote of a partition."""
        for offsets, values in self._reading.votes(partition):
            yield from zip(offsets, values, strict=True)

    def decisions(self, partition: int) -> Iterator[Record]:
        """Yield the decisions of a partition as a reader accepts them, up to the last counted."""
        last = self._vector[partition]
        for offset, value in enumerate(accepted(self._reading, partition)):
            if offset > last:
                return
            yield offset, value

    def ballots(self, zone: str) -> Iterator[tuple[str, Iterable[Row]]]:
        """Yield the rows of the public table, proposal by proposal; days are of a time zone."""
        suspended = suspended_by(self._reading.query(
            "suspensions", of_decisions=True, consultation=self._consultation))
        few = self._few(zone, suspended)
        for proposal, rows in groupby(self._streamed(zone, suspended), lambda row: row[0]):
            yield proposal.decode(), (_row(fields, few) for fields in rows)

    def _few(self, zone: str, suspended: dict[str, int]) -> set[int]:
        """List the causes that fewer than SHARED_VOTERS voters of suspended votes share."""
        voters: dict[int, set[tuple[int, bytes]]] = {}
        for fields in self._streamed(zone, suspended) if suspended else ():
            row = _row(fields, frozenset())
            sharing = voters.setdefault(row.rule, set())
            if row.is_suspended and len(sharing) < SHARED_VOTERS:
                sharing.add((row.partition, row.voter))
        return {rule for rule, sharing in voters.items() if len(sharing) < SHARED_VOTERS}

    def _streamed(self, zone: str, suspended: dict[str, int]) -> Iterator[tuple[Any, ...]]:
        sql = (resources.files("sinks") / "bundle" / "sql" / "ballots.sql").read_text("utf-8")
        parameters = {
            "suspended": [*suspended], "causes": [*suspended.values()],
            "votes": self._topics.votes, "decisions": self._topics.decisions, "zone": zone,
            "consultation": self._consultation, "vector": self._vector}
        with self._client.query_arrow_stream(
                sql, parameters=parameters, use_strings=False) as blocks:
            for block in blocks:
                yield from zip(*(column.to_pylist() for column in block.columns), strict=True)

    def _records(self, sql: str, **parameters: Any) -> list[Record]:
        table = self._client.query_arrow(
            sql, parameters={"consultation": self._consultation, **parameters}, use_strings=False)
        return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


def _row(fields: tuple[Any, ...], few: Collection[int]) -> Row:
    """Make a row; its cause is withheld where it is one that few share."""
    _, partition, voter, _, standing, route, rule, day, *numbers = fields
    row = Row(partition, voter, day.decode(), standing, numbers, route, rule)
    row.withheld = rule in few and row.is_suspended
    return row
