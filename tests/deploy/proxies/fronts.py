"""The documented proxies, run from their documented files with a test's ports and certificate."""

import ipaddress
import shutil
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.harness import Stack, Worker


ROOT = Path(__file__).parents[3]
FILES = {"nginx": "deploy/nginx/scrutin.conf", "haproxy": "deploy/haproxy/haproxy.cfg",
         "caddy": "deploy/caddy/Caddyfile"}
NAME = "localhost"
"""The site, in place of vote.example.org."""


class Certificate:
    """A certificate of the test's own, and what trusts it."""

    def __init__(self, folder: Path) -> None:
        self.certificate = folder / "fullchain.pem"
        self.key = folder / "privkey.pem"
        self.both = folder / "scrutin.pem"
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
        now = datetime.now(UTC)
        names = [x509.DNSName(NAME), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        made = (x509.CertificateBuilder().subject_name(name).issuer_name(name)
                .public_key(key.public_key()).serial_number(x509.random_serial_number())
                .not_valid_before(now - timedelta(days=1))
                .not_valid_after(now + timedelta(days=1))
                .add_extension(x509.SubjectAlternativeName(names), critical=False)
                .sign(key, hashes.SHA256()))
        self.certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        self.key.write_bytes(key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption()))
        self.both.write_bytes(self.certificate.read_bytes() + self.key.read_bytes())

    def trust(self) -> ssl.SSLContext:
        """Believe this certificate and no other."""
        return ssl.create_default_context(cafile=str(self.certificate))


class Front:
    """A running proxy."""

    def __init__(self, kind: str, worker: Worker, port: int, plain_port: int,
                 certificate: Certificate) -> None:
        self.kind, self.worker, self.port, self.plain_port = kind, worker, port, plain_port
        self.certificate = certificate
        self.url = f"https://{NAME}:{port}"

    def client(self, address: str = "127.0.0.1") -> httpx2.AsyncClient:
        """A visitor who comes from an address of this machine."""
        transport = httpx2.AsyncHTTPTransport(
            verify=self.certificate.trust(), local_address=address)
        return httpx2.AsyncClient(transport=transport, base_url=self.url, timeout=60)


def program_of(kind: str) -> str:
    """Find a proxy of this machine; the test fails without it."""
    found = shutil.which(kind, path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    if found is None:
        pytest.fail(f"there is no {kind} on this machine: install it (on Debian and Ubuntu "
                    f"`apt install {kind}`; `make setup` does it for root)")
    return found


def started(
    stack: Stack, kind: str, *, gateways: tuple[int, ...], views: int, instance: str = "1",
    changes: Mapping[str, str] | None = None,
) -> Front:
    """Start a proxy from its documented file, before gateways and views at these ports.

    `changes` are made to the file besides; each must find what it replaces.
    """
    folder = stack.folder / f"{kind}-{instance}"
    folder.mkdir()
    certificate = Certificate(folder)
    port, plain_port = stack.ports.find(), stack.ports.find()
    text = (ROOT / FILES[kind]).read_text("utf-8")
    for old, new in {**_usual(kind, certificate, port, plain_port), **(changes or {}),
                     **_upstreams(kind, gateways, views)}.items():
        assert old in text, f"{FILES[kind]} has no {old!r}"
        text = text.replace(old, new)
    path = folder / Path(FILES[kind]).name
    path.write_text(text, "utf-8")
    worker = stack.worker(kind, instance)
    worker.program = _command(kind, path)
    worker.environment |= {"HOME": str(folder), "XDG_DATA_HOME": str(folder),
                           "XDG_CONFIG_HOME": str(folder)}
    worker.start()
    return Front(kind, worker, port, plain_port, certificate)


def _usual(kind: str, certificate: Certificate, port: int, plain_port: int) -> dict[str, str]:
    """Ports, names and files of a test in place of those of a deployment."""
    if kind == "nginx":
        return {
            "listen 80": f"listen 127.0.0.1:{plain_port}",
            "listen 443": f"listen 127.0.0.1:{port}",
            "https://vote.example.org$": f"https://{NAME}:{port}$", "vote.example.org": NAME,
            "/etc/ssl/scrutin/fullchain.pem": str(certificate.certificate),
            "/etc/ssl/scrutin/privkey.pem": str(certificate.key)}
    if kind == "haproxy":
        return {
            "bind :80": f"bind 127.0.0.1:{plain_port}", "bind :443": f"bind 127.0.0.1:{port}",
            "https://vote.example.org ": f"https://{NAME}:{port} ", "vote.example.org": NAME,
            "/etc/haproxy/scrutin.pem": str(certificate.both)}
    return {
        "{\n\tservers {": f"{{\n\tadmin off\n\thttp_port {plain_port}\n\thttps_port {port}\n"
        "\tdefault_bind 127.0.0.1\n\tservers {",
        "vote.example.org {": f"{NAME} {{",
        "/etc/caddy/fullchain.pem": str(certificate.certificate),
        "/etc/caddy/privkey.pem": str(certificate.key)}


def _upstreams(kind: str, gateways: tuple[int, ...], views: int) -> dict[str, str]:
    addresses = [f"127.0.0.1:{port}" for port in gateways]
    if kind == "nginx":
        servers = "\n    ".join(f"server {address};" for address in addresses)
        return {"server 127.0.0.1:8081;": servers, "127.0.0.1:8080": f"127.0.0.1:{views}"}
    if kind == "haproxy":
        servers = "\n    ".join(
            f"server gateway{number} {address}" for number, address in enumerate(addresses, 1))
        return {"server gateway1 127.0.0.1:8081": servers,
                "127.0.0.1:8080": f"127.0.0.1:{views}"}
    return {"127.0.0.1:8081": " ".join(addresses)}


def _command(kind: str, path: Path) -> list[str]:
    program = program_of(kind)
    if kind == "haproxy":
        return [program, "-db", "-f", str(path)]
    if kind == "caddy":
        return [program, "run", "--config", str(path), "--adapter", "caddyfile"]
    whole = path.with_name("nginx.conf")
    places = "".join(f"  {name}_temp_path {path.parent}/{name};\n"
                     for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    # One process, which ends with the test; the rest is Debian's.
    whole.write_text(
        f"daemon off;\nmaster_process off;\npid {path.parent}/pid;\nerror_log stderr;\n"
        f"events {{ }}\nhttp {{\n  access_log off;\n{places}  include {path};\n}}\n", "utf-8")
    return [program, "-c", str(whole), "-e", "stderr"]
