"""Sites of partners: what stands in a policy is scheme and host, and nothing else."""

import pytest

from schemas import partners


@pytest.mark.parametrize("site", [
    "https://www.example.org", "https://example.org:8443", "https://xn--caf-dma.example",
    "http://localhost:8000", "http://127.0.0.1"])
def test_scheme_and_host_are_a_site(site: str) -> None:
    """With a port where it has one of its own; without TLS on this machine alone."""
    assert partners.is_site(site)
    assert partners.site_of(f"{site}/a/page?of=it#here") == site
    assert partners.sites_of({"sites": [site, "*"]}) == (site,)


@pytest.mark.parametrize("text", [
    "", "*", "https:", "https://*.example.org", "https://example.org/", "https://example.org/a",
    "http://example.org", "https://Example.org", "https://example.org; script-src *",
    "https://a b.example", "https://example.org 'self'", "'none'", "data:", "https://-a.example",
    "https://user@example.org", "https://example.org:123456", "https://example.org\n",
    f"https://{'a.' * 60}example"])
def test_what_could_say_more_in_a_policy_is_no_site(text: str) -> None:
    """It is left out, wherever it comes from: nobody listed, nobody embeds."""
    assert not partners.is_site(text)
    assert partners.sites_of({"sites": [text]}) == ()


@pytest.mark.parametrize("address", [
    "", "about:blank", "http://[", "https://user@www.example.org/", "http://www.example.org/",
    "javascript:alert(1)"])
def test_an_address_without_a_site_has_none(address: str) -> None:
    """Nothing that the Referer may hold is taken for a partner's."""
    assert partners.site_of(address) == ""
    assert partners.sites_of(None) == ()
