"""Every setting of scrutin, in one place; the only reader of the environment.

Each field is read from an environment variable: SCRUTIN_ and the name in capitals. One that holds
a secret (`is_shown` says no) may lie in a file instead, which the variable with _FILE at its end
names.
"""

import os
import re
import socket
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from processors.workers.snapshot_places import usable_place
from schemas.kafka_access import Access
from scrutin.secret_files import PREFIX, SecretFiles, secret_path
from scrutin.serving.proxies import believed
from sinks.addresses import Trust


RATE_MOST = 1_000_000_000
"""Greatest limit a minute: three times as much still fits into a window's four bytes."""
NAME_CHARACTERS = 40
"""Longest name of an instance."""
WORKERS_MOST = 64
"""Most workers at one port: more than a machine has cores for, beside its broker and archive."""


class Settings(BaseSettings):
    """Settings of any scrutin process."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", hide_input_in_errors=True)

    data_dir: Path = Field(default=Path(".scrutin"), description=(
        "Folder of the local stack: its broker, ClickHouse, logs and state."))
    cache_dir: Path = Field(default=Path("~/.cache/scrutin"), description=(
        "Folder shared by local stacks for the broker's jars."))
    kafka: str = Field(
        default="",
        description="Bootstrap address host:port of Kafka; empty: the local stack of data_dir.",
    )
    kafka_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        default="PLAINTEXT",
        description="How Kafka is spoken to: SSL is by TLS, SASL under a name of its own for each "
        "process. The local stack's broker speaks PLAINTEXT.")
    kafka_ca: Path | None = Field(default=None, description=(
        "Certificates (PEM) of who may sign the broker's; empty: those of the system."))
    kafka_certificate: Path | None = Field(
        default=None,
        description="Certificate (PEM) by which this process proves who it is, with its chain; "
        "empty: it has none.")
    kafka_private_key: Path | None = Field(default=None, description=(
        "Private key (PEM) of kafka_certificate; empty: it is in the same file."))
    kafka_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] = Field(
        default="SCRAM-SHA-512",
        description="How this process says its name by SASL. PLAIN without TLS lets who listens "
        "read the password.")
    kafka_username: str = Field(
        default="", description="Name of this process to Kafka, of PLAIN and SCRAM.")
    kafka_password: str = Field(
        default="", repr=False,
        description="Password of kafka_username. From a file it is read again for each "
        "connection after it has changed.",
    )
    kafka_token: Path | None = Field(
        default=None,
        description="File with the token of OAUTHBEARER, which somebody else writes anew before it "
        "ends; read for each connection.",
    )
    clickhouse_url: str = Field(
        default="", repr=False,
        description="URL of ClickHouse's HTTP interface, with user and password; empty: the local "
        "stack of data_dir.",
    )
    clickhouse_ca: Path | None = Field(default=None, description=(
        "Certificates (PEM) of who may sign ClickHouse's; empty: those of the system."))
    clickhouse_certificate: Path | None = Field(
        default=None,
        description="Certificate (PEM) by which ClickHouse knows this process, with its chain; "
        "beside a password in the URL both are asked for.",
    )
    clickhouse_private_key: Path | None = Field(default=None, description=(
        "Private key (PEM) of clickhouse_certificate; empty: it is in the same file."))
    clickhouse_database: str = Field(
        default="scrutin", description="ClickHouse database of the archive.",
        pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,62}$",
    )
    topic_prefix: str = Field(
        default="scrutin", description="First part of every topic's name: one topic generation.",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$",
    )
    partitions: int = Field(
        default=4, ge=1, le=1024,
        description="Partitions of votes, decisions and tallies; fixed for a generation.",
    )
    replication: int = Field(
        default=1, ge=1, le=9,
        description="Replicas of each topic: 1 survives a killed process, not a lost disk; "
        "production sets 3.",
    )
    instance: str = Field(
        default="", pattern=r"^[A-Za-z0-9_-]{0,40}$", validate_default=True,
        description="Names this process among its kind, as nobody else of it that lives: static "
        "member of its consumer group; empty: the host's name.",
    )
    health_port: int = Field(
        default=0, ge=0, le=65535,
        description="Port of /livez, /readyz, /status and /metrics of a worker; 0: none.",
    )
    health_host: str = Field(
        default="127.0.0.1", description="Address a worker listens on with health_port.")
    operations_processes: str = Field(
        default="", pattern=r"^([A-Za-z0-9_-]+=https?://[^,\s]+(,|$))*$",
        description="Processes the operators' page asks for their /metrics, by commas: "
        "NAME=http://host:port; empty: the local stack of data_dir.",
    )
    operations_token: str = Field(
        default="", pattern=r"^(\S{16,})?$", repr=False,
        description="Asked for at /ops and /metrics of views and gateway, on this machine too, at "
        "least 16 characters; empty: they are for this machine alone. Set it before a proxy stands "
        "in front.",
    )
    views_host: str = Field(default="127.0.0.1", description="Address the views listen on.")
    views_port: int = Field(
        default=0, ge=0, le=65535, description="Port the views listen on; 0: any free port.")
    views_proxies: str = Field(
        default="",
        description="Addresses or networks of proxies, by commas, whose X-Forwarded-Proto and "
        "X-Forwarded-For the views believe: by TLS, cookies are for TLS alone, and wrong tokens "
        "are counted by network; *: whoever connects; empty: none.",
    )
    views_url: str = Field(
        default="", pattern=r"^(https?://[^/?#\s]+)?$",
        description="Address of the views as operators reach it, where the gateway sends those "
        "who ask for /ops; empty: a proxy does.",
    )
    gateway_host: str = Field(default="127.0.0.1", description="Address the gateway listens on.")
    gateway_port: int = Field(
        default=0, ge=0, le=65535, description="Port the gateway listens on; 0: any free port.")
    gateway_url: str = Field(
        default="", pattern=r"^(https?://[^/?#\s]+)?$",
        description="Address of the gateway as people reach it, where views send those who want "
        "to vote; empty: a proxy does.",
    )
    gateway_proxies: str = Field(
        default="",
        description="Addresses or networks of proxies, by commas, whose X-Forwarded-For the "
        "gateway believes; *: whoever connects, of which the last address; empty: none.",
    )
    gateway_count: int = Field(
        default=1, ge=1, le=1_000,
        description="Gateways that votes are spread over: each allows a network its part of the "
        "limits, and reads what the others take. Of several, each must be told so.",
    )
    gateway_workers: int = Field(
        default=1, ge=1, le=WORKERS_MOST,
        description="Processes of one gateway, which take requests at one port and are started "
        "again one by one; more than 1: a supervisor runs them. Limits are divided by them too.",
    )
    views_workers: int = Field(
        default=1, ge=1, le=WORKERS_MOST,
        description="Processes of the views at one port, as gateway_workers has them.",
    )
    rates_url: str = Field(
        default="", pattern=r"^((rediss?|unix)://\S+)?$", repr=False,
        description="Redis over which gateways share the limits of networks, such as "
        "redis://host:6379/0; empty, or while it does not answer: they divide them.",
    )
    gateway_voter_rate: int = Field(
        default=120, ge=1, le=RATE_MOST,
        description="Requests a voter may send to one gateway in a minute.",
    )
    gateway_network_rate: int = Field(
        default=6_000, ge=1, le=RATE_MOST,
        description="Requests the voters of one network (IPv4 /24, IPv6 /48) may send in a "
        "minute, to all gateways together.",
    )
    door: bool = Field(
        default=True,
        description="Whether votes by devices that are not known are challenged where many come "
        "out of one network for one proposal, by work or a wait; off: never.",
    )
    public_url: str = Field(
        default="",
        description="Address people reach the pages at, such as https://vote.example.org, for "
        "links that are shared; empty: pages offer no such links.",
        pattern=r"^(https?://[^/\s?#]+)?/?$",
    )
    hsts_seconds: int = Field(
        default=31_536_000, ge=0,
        description="How long browsers that came by TLS shall come by nothing else "
        "(Strict-Transport-Security); 0: they may again.",
    )
    security_contact: str = Field(
        default="", pattern=r"^((mailto:[^\s,]+@[^\s,]+|https://[^\s,]+|tel:\+[0-9-]+)(,|$))*$",
        description="Where to write about holes in security, by commas, the best first: "
        "mailto:name@example.org or an https address; said in /.well-known/security.txt; empty: "
        "there is no such file.",
    )
    log_origin: str = Field(
        default="localhost/log", pattern=r"^[^\s+/]+(/[^\s+/]+)*$",
        description="First part of the transparency logs' names, for ever: the address that "
        "serves them, without scheme, as example.org/log.",
    )
    checkpoint_seconds: float = Field(
        default=15.0, gt=0, le=1_800.0,
        description="Longest time between two checkpoints of a transparency log that grows: a "
        "receipt can be proven that much later. At most half of the hour that receipts promise.",
    )
    witnesses: Path | None = Field(default=None, description=(
        "File (C2SP tlog-policy) of the witnesses that countersign checkpoints; empty: nobody."))
    ledger_session_seconds: float = Field(
        default=10.0, ge=1, le=10,
        description="A ledger that is dead, frozen or cut off loses its partitions after so long; "
        "brokers refuse less than their group.min.session.timeout.ms, 6 s if nobody set it.")
    snapshot_decisions: int = Field(
        default=100_000, ge=1,
        description="A ledger writes a snapshot of a partition after so many decisions; later, but "
        "not after as many as live votes, where writing would take a tenth of the time.")
    snapshots: Annotated[str, AfterValidator(usable_place)] = Field(
        default="",
        description="Where ledgers' snapshots lie, which ledgers of several machines may share: a "
        "folder, or s3://BUCKET/PREFIX, without user or password; empty: snapshots in data_dir.")
    judge_seconds: float = Field(
        default=5.0, gt=0, le=600,
        description="The patrol judges so often, where something has come; a backlog at once.")
    closes_on_date: bool = Field(
        default=True,
        description="Whether the notary closes each consultation at its date, with a key of "
        "control_keys where closings are signed; off: `scrutin close` does it.",
    )
    control_keys: str = Field(
        default="",
        description="Folder of the private keys that controls (suspensions, closings, adoptions) "
        "are signed with; empty: `control` in the folder of keys of data_dir.",
    )
    first_keys: str = Field(
        default="", pattern=r"^([0-9a-f]{64}(,|$)){0,1024}$",
        description="Digests by commas of the adoptions by which partitions without keys take "
        "their first, as `scrutin keys adopt` prints them; the same for every ledger, and left in "
        "place for ever. A new log needs none.",
    )
    stall_seconds: float = Field(default=30.0, gt=0, description=(
        "A worker with input ends after this long without progress."))
    stop_seconds: float = Field(
        default=15.0, ge=1, le=600,
        description="A process that was told to stop has so long to end in order, views and a "
        "gateway from when they take no more; whoever kills it waits 15 s longer.",
    )
    drain_seconds: float = Field(
        default=0.0, ge=0, le=300,
        description="Views or a gateway that were told to stop say for so long that they are not "
        "ready, and answer on, before they take no more: as long as what spreads requests takes to "
        "see it.",
    )
    undecodable_ratio: float = Field(
        default=0.5, gt=0, le=1,
        description="Share of undecodable records among the last 1,000 of a partition past "
        "which the ledger stops; 1: never.",
    )
    traces_url: str = Field(
        default="", pattern=r"^(https?://[^\s?#@/]+(/[^\s?#@]*)?)?$",
        description="Where a collector of OpenTelemetry takes spans (OTLP by HTTP), such as "
        "http://localhost:4318/v1/traces; empty: nobody is told of requests and batches.",
    )
    traces_share: float = Field(
        default=0.1, gt=0, le=1,
        description="Share of traces that are told to traces_url, those of callers among them; 1: "
        "all.",
    )
    log_format: Literal["console", "json"] = Field(
        default="console", description="How log lines look on stderr."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least level of log lines."
    )

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource, dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings, env_settings, dotenv_settings, file_secret_settings,
                SecretFiles(settings_cls))

    @field_validator("instance")
    @classmethod
    def _instance_has_a_name(cls, given: str) -> str:
        # Names of pods differ at their ends.
        return given or re.sub(r"[^A-Za-z0-9_-]", "-", socket.gethostname())[-NAME_CHARACTERS:]

    @field_validator("rates_url")
    @classmethod
    def _rates_can_be_shared(cls, url: str, others: ValidationInfo) -> str:
        if url and find_spec("redis") is None:
            raise ValueError("needs the package redis: pip install 'scrutin[redis]'")
        several = (others.data.get(name, 1) > 1 for name in ("gateway_count", "gateway_workers"))
        if url and not any(several):
            raise ValueError("is for several gateways: set SCRUTIN_GATEWAY_COUNT to their number")
        return url

    @field_validator("traces_url")
    @classmethod
    def _traces_can_be_told(cls, url: str) -> str:
        if url and not (find_spec("opentelemetry") and find_spec("opentelemetry.sdk")):
            raise ValueError("needs OpenTelemetry: pip install 'scrutin[traces]'")
        return url

    @field_validator("gateway_proxies", "views_proxies")
    @classmethod
    def _proxies_can_be_read(cls, named: str) -> str:
        believed(named)
        return named

    @model_validator(mode="after")
    def _kafka_can_be_reached_so(self) -> Self:
        needed = (("kafka_token",) if self.kafka_mechanism == "OAUTHBEARER"
                  else ("kafka_username", "kafka_password"))
        missing = next((name for name in needed if not getattr(self, name)), "")
        if missing and self.kafka_protocol.startswith("SASL_"):
            name = PREFIX + missing.upper()
            raise ValueError(f"{self.kafka_protocol} by {self.kafka_mechanism} needs {name}")
        return self

    @property
    def kafka_access(self) -> Access:
        """How this process proves to Kafka who it is; the local stack asks for nothing."""
        if not self.kafka:
            return Access()
        return Access(
            self.kafka_protocol, self.kafka_ca, self.kafka_certificate, self.kafka_private_key,
            self.kafka_mechanism, self.kafka_username, self.kafka_password,
            secret_path("kafka_password"),
            self.kafka_token if self.kafka_mechanism == "OAUTHBEARER" else None)

    @property
    def clickhouse_trust(self) -> Trust:
        """By what this process and ClickHouse know each other; the local stack asks for nothing."""
        return Trust(self.clickhouse_ca, self.clickhouse_certificate,
                     self.clickhouse_private_key) if self.clickhouse_url else Trust()

    @property
    def gateways(self) -> int:
        """Processes that votes are spread over: of what one network may do each has its part."""
        return self.gateway_count * self.gateway_workers

    @property
    def first_key_digests(self) -> frozenset[bytes]:
        """The digests in `first_keys`."""
        return frozenset(bytes.fromhex(each) for each in self.first_keys.split(",") if each)

    @property
    def data_folder(self) -> Path:
        """The whole path of `data_dir`."""
        return self.data_dir.expanduser().resolve()


def wants_json_lines() -> bool:
    """Whether lines are to be JSON: asked before anything is read that may be wrong."""
    return os.environ.get(f"{PREFIX}LOG_FORMAT") == "json"


def is_shown(name: str) -> bool:
    """Whether messages may quote the value of a setting: those that hold secrets are not shown."""
    field = Settings.model_fields.get(name)
    return field is not None and field.repr


def unknown_names() -> list[str]:
    """Name the variables of the environment that begin as ours and are no setting."""
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    known |= {f"{PREFIX}{name.upper()}_FILE" for name in Settings.model_fields
              if not is_shown(name)}
    return sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known)


def load() -> Settings:
    """Read the settings from the environment."""
    return Settings()
