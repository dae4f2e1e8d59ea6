"""A real broker behind a locked door: TLS, names by SASL, and permissions that are obeyed."""

import asyncio
import base64
import datetime as dt
import ipaddress
import itertools
import json
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import CreateAclsRequest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from deploy.local import kafka, kafka_runtime
from deploy.local.kafka import BrokerConfiguration, KafkaRuntime
from deploy.local.ports import LOOPBACK, find_free
from deploy.local.services import Broker


FORMAT_SECONDS = 60.0
RESOURCES = {"topic": 2, "group": 3}
OPERATIONS = {"Read": 3, "Write": 4, "Create": 5, "Describe": 8, "DescribeConfigs": 10,
              "AlterConfigs": 11}
"""Kafka's numbers for what ACLs name."""
LITERAL, ALLOW = 3, 3


@dataclass(frozen=True)
class Authority:
    """Who signs certificates of a test."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def made(cls) -> "Authority":
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name("authority")
        return cls(_builder(name, name, key).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(
                key, hashes.SHA256()), key)

    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def signed(self, name: str) -> bytes:
        """Make a key and a certificate for it, of this machine; both as PEM, the key first."""
        key = ec.generate_private_key(ec.SECP256R1())
        found = _builder(_name(name), self.certificate.subject, key).add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(LOOPBACK))]),
            critical=False).sign(self.key, hashes.SHA256())
        return key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption()) + found.public_bytes(
                serialization.Encoding.PEM) + self.pem()


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer)
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1)))


class SecuredBroker(Broker):
    """A broker with two locked doors beside the open one, where everybody may do everything.

    `sasl` asks for a name by SASL, `tls` for a certificate. Behind both only what ACLs grant.
    """

    def __init__(
        self, configuration: BrokerConfiguration, runtime: KafkaRuntime, doors: tuple[int, int],
        passwords: dict[str, str],
    ) -> None:
        super().__init__(configuration, runtime)
        self._format = runtime
        self.sasl, self.tls = (f"{LOOPBACK}:{port}" for port in doors)
        self.passwords = passwords
        self.authority = Authority.made()
        self.authorities = configuration.folder / "authorities.pem"

    def _prepare(self) -> list[str]:
        folder = self.configuration.folder
        folder.mkdir(parents=True, exist_ok=True)
        self.authorities.write_bytes(self.authority.pem())
        (folder / "broker.pem").write_bytes(self.authority.signed("broker"))
        if not self.configuration.data_folder.exists():
            self._formatted()
        kafka.prepare_folder(self.configuration, self._format)
        self._add_doors()
        return kafka.broker_argv(self.configuration, self._format)

    def _add_doors(self) -> None:
        path = self.configuration.properties_path
        path.write_text(path.read_text() + "".join(
            f"{name}={value}\n" for name, value in self._doors().items()))

    def _doors(self) -> dict[str, str]:
        plain = f"PLAINTEXT://{self.address}"
        doors = f"{plain},SASL_SSL://{self.sasl},SSL://{self.tls}"
        controller = f"CONTROLLER://{LOOPBACK}:{self.configuration.controller_port}"
        security = "org.apache.kafka.common.security"
        users = " ".join(f'user_{name}="{word}"' for name, word in self.passwords.items())
        settings = {
            "listeners": f"{doors},{controller}", "advertised.listeners": doors,
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,"
                                              "SASL_SSL:SASL_SSL,SSL:SSL",
            "inter.broker.listener.name": "PLAINTEXT",
            "sasl.enabled.mechanisms": "SCRAM-SHA-512,SCRAM-SHA-256,PLAIN,OAUTHBEARER",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
            "listener.name.ssl.ssl.client.auth": "required",
            "ssl.principal.mapping.rules": "RULE:^CN=(.*)$/$1/",
            "listener.name.sasl_ssl.plain.sasl.jaas.config":
                f"{security}.plain.PlainLoginModule required {users};",
            "listener.name.sasl_ssl.oauthbearer.sasl.jaas.config":
                f"{security}.oauthbearer.OAuthBearerLoginModule required "
                'unsecuredLoginStringClaim_sub="broker";',
        }
        for size in (256, 512):
            settings[f"listener.name.sasl_ssl.scram-sha-{size}.sasl.jaas.config"] = (
                f"{security}.scram.ScramLoginModule required;")
        for door in ("sasl_ssl", "ssl"):
            settings |= {
                f"listener.name.{door}.ssl.keystore.type": "PEM",
                f"listener.name.{door}.ssl.keystore.location":
                    str(self.configuration.folder / "broker.pem"),
                f"listener.name.{door}.ssl.truststore.type": "PEM",
                f"listener.name.{door}.ssl.truststore.location": str(self.authorities),
            }
        return settings

    def _formatted(self) -> None:
        """Format the storage with the accounts of SCRAM in it."""
        path = self.configuration.properties_path
        path.write_text(kafka.server_properties(self.configuration))
        scram = [word for name, secret in self.passwords.items() for size in (256, 512)
                 for word in ("--add-scram", f"SCRAM-SHA-{size}=[name={name},password={secret}]")]
        done = subprocess.run(
            [str(self._format.java), "-cp", self._format.classpath, "kafka.tools.StorageTool",
             "format", "-t", kafka.new_identity(), "-c", str(path), *scram],
            capture_output=True, text=True, timeout=FORMAT_SECONDS, check=False)
        assert done.returncode == 0, done.stderr

    def settings(self, name: str) -> dict[str, str]:
        """Return how a process says that it is an account, by SCRAM."""
        secret = self.configuration.folder / f"{name}.password"
        secret.write_text(self.passwords[name] + "\n")
        return {
            "SCRUTIN_KAFKA": self.sasl, "SCRUTIN_KAFKA_PROTOCOL": "SASL_SSL",
            "SCRUTIN_KAFKA_CA": str(self.authorities), "SCRUTIN_KAFKA_USERNAME": name,
            "SCRUTIN_KAFKA_PASSWORD_FILE": str(secret),
        }


@contextmanager
def secured_broker(
    folder: Path, cache_folder: Path, accounts: Iterable[str]
) -> Iterator[SecuredBroker]:
    """Run a broker that knows accounts, each with a password of its own."""
    port, controller, *doors = find_free(4)
    broker = SecuredBroker(
        BrokerConfiguration(folder.resolve(), port, controller),
        kafka_runtime.prepare(cache_folder), (doors[0], doors[1]),
        {name: f"secret-of-{name}" for name in accounts})
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


async def grant(kafka_address: str, commands: Iterable[str]) -> int:
    """Do what commands of kafka-acls.sh would do, as printed; return how many."""
    creations = [each for command in commands for each in _creations(command.split())]
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_address)
    await admin.start()
    try:
        answers: list[Any] = await asyncio.gather(*(
            admin._send_request(CreateAclsRequest(*creation)) for creation in creations))
    finally:
        await admin.close()
    assert {code for answer in answers for code, _ in answer.creation_responses} == {0}
    return len(creations)


def _creations(words: list[str]) -> Iterator[tuple[int, str, int, str, str, int, int]]:
    def after(option: str) -> list[str]:
        return [word for before, word in itertools.pairwise(words) if before == f"--{option}"]
    (principal,) = after("allow-principal")
    for resource, number in RESOURCES.items():
        for name, operation in itertools.product(after(resource), after("operation")):
            yield number, name, LITERAL, principal, "*", OPERATIONS[operation], ALLOW


def unsecured_token(name: str, seconds: float = 3_600.0) -> str:
    """Write the kind of token that a broker without a verifier takes: nobody signed it."""
    now = dt.datetime.now(dt.UTC).timestamp()
    parts = ({"alg": "none"}, {"sub": name, "iat": now, "exp": now + seconds})
    return ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
        for part in parts) + "."
