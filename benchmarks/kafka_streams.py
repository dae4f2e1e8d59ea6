"""Kafka Streams on the same votes: jars resolved like the broker's, the peer compiled here."""

import asyncio
import shutil
import subprocess
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from benchmarks.house import PARTITIONS, House, Passage, Unmeasurable, passage
from deploy.local import kafka_jars, kafka_runtime
from schemas.topics import Topics
from scrutin.settings import load


ENDPOINT = "org.apache.kafka:kafka-streams:4.3.0+org.slf4j:slf4j-simple:2.0.17"
SOURCE = Path(__file__).with_name("peers") / "KafkaStreams.java"
JAVA_OPTIONS = ("-Xms1g", "-Xmx1g", "-XX:+UseParallelGC",
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=error")


def classpath(folder: Path) -> str:
    """Resolve the jars and compile the peer; raise Unmeasurable where there is no compiler."""
    compiler = shutil.which("javac")
    if compiler is None:
        raise Unmeasurable("there is no Java compiler (javac 17 or later) on this machine")
    resolved = kafka_jars.resolve(load().cache_dir.expanduser() / "streams", ENDPOINT)
    jars = ":".join(map(str, sorted(resolved.glob("*/*.jar"))))
    classes = folder / "classes"
    subprocess.run([compiler, "-cp", jars, "-d", str(classes), str(SOURCE)], check=True,
                   capture_output=True)
    return f"{classes}:{jars}"


async def decided(house: House, topics: Topics, count: int) -> Passage:
    """Have Kafka Streams decide every vote: exactly once, RocksDB, two threads."""
    path = await asyncio.to_thread(classpath, house.folder)
    sink, group = f"{topics.prefix}.streams", f"{topics.prefix}-streams"
    admin = AIOKafkaAdminClient(bootstrap_servers=house.kafka)
    await admin.start()
    await admin.create_topics([NewTopic(sink, PARTITIONS, 1)])
    peer = house.started([
        str(kafka_runtime.find_java()), *JAVA_OPTIONS, "-cp", path, "KafkaStreams", house.kafka,
        group, topics.votes, sink, str(house.folder / group)], {})

    async def committed() -> int:
        """Count what is committed: its decisions and changelogs are in the same transaction."""
        offsets = await admin.list_consumer_group_offsets(group)
        return sum(max(0, found.offset) for found in offsets.values())

    try:
        return await passage(peer, committed, count + PARTITIONS)
    finally:
        peer.stop()
        await admin.close()
