"""Which addresses a webhook may have. Nothing here asks a DNS or a database."""

from __future__ import annotations

import pytest

from pushhub.webhooks.targets import WHAT_TO_DO, Target, UrlRefusal, is_public, target_of


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://cabinet.example.kz", "https://cabinet.example.kz/"),
        ("https://cabinet.example.kz/hook?a=1&b=%20", "https://cabinet.example.kz/hook?a=1&b=%20"),
        ("HTTPS://Cabinet.Example.KZ:443/Hook", "https://cabinet.example.kz/Hook"),
        ("https://cabinet.example.kz:8443/", "https://cabinet.example.kz:8443/"),
        ("https://мектеп.қаз/x", "https://xn--e1aaogsq.xn--80ao21a/x"),
        ("https://[2606:4700::1111]/x", "https://[2606:4700::1111]/x"),
        ("https://8.8.8.8:9443/x", "https://8.8.8.8:9443/x"),
    ],
)
def test_an_address_is_kept_in_one_form(url: str, kept: str) -> None:
    target = target_of(url, private_allowed=False)
    assert isinstance(target, Target)
    assert target.url == kept
    again = target_of(target.url, private_allowed=False)
    assert again == target


@pytest.mark.parametrize(
    ("url", "refusal"),
    [
        ("", UrlRefusal.MALFORMED),
        ("cabinet.example.kz/hook", UrlRefusal.MALFORMED),
        ("https://", UrlRefusal.MALFORMED),
        ("https:///hook", UrlRefusal.MALFORMED),
        ("https://a..b/", UrlRefusal.MALFORMED),
        (f"https://{'a' * 64}.kz/", UrlRefusal.MALFORMED),
        ("https://cabinet.example.kz:0/", UrlRefusal.MALFORMED),
        ("https://cabinet.example.kz:99999/", UrlRefusal.MALFORMED),
        ("https://cabinet.example.kz:x/", UrlRefusal.MALFORMED),
        ("https://[::1/", UrlRefusal.MALFORMED),
        ("https://cabinet.example.kz/#part", UrlRefusal.MALFORMED),
        ("https://cabinet.example.kz/a b", UrlRefusal.MALFORMED),
        ("https://cabinet.example.kz/\r\nX-Injected: 1", UrlRefusal.MALFORMED),
        ("https://cabinet.example.kz/оқиға", UrlRefusal.MALFORMED),
        ("https://cabinet.example.kz\\@10.0.0.1/", UrlRefusal.MALFORMED),
        ("ht\ntps://cabinet.example.kz/", UrlRefusal.MALFORMED),
        (f"https://cabinet.example.kz/{'a' * 2000}", UrlRefusal.MALFORMED),
        ("https://user:password@cabinet.example.kz/", UrlRefusal.HAS_CREDENTIALS),
        ("https://user@cabinet.example.kz/", UrlRefusal.HAS_CREDENTIALS),
        ("https://@cabinet.example.kz/", UrlRefusal.HAS_CREDENTIALS),
        ("http://cabinet.example.kz/", UrlRefusal.NOT_HTTPS),
        ("http://127.0.0.1/", UrlRefusal.NOT_HTTPS),
        ("ftp://cabinet.example.kz/", UrlRefusal.NOT_HTTPS),
        ("file://cabinet.example.kz/etc/passwd", UrlRefusal.NOT_HTTPS),
    ],
)
def test_what_can_not_be_an_address_is_refused_with_the_reason(url: str, refusal: UrlRefusal) -> None:
    assert target_of(url, private_allowed=False) is refusal
    assert WHAT_TO_DO[refusal]


def test_http_is_for_this_machine_and_only_where_that_is_allowed() -> None:
    assert isinstance(target_of("http://127.0.0.1:8000/x", private_allowed=True), Target)
    assert isinstance(target_of("http://localhost/x", private_allowed=True), Target)
    assert isinstance(target_of("http://[::1]:8000/x", private_allowed=True), Target)
    for url in ("http://10.0.0.1/", "http://cabinet.example.kz/", "ftp://localhost/"):
        assert target_of(url, private_allowed=True) is UrlRefusal.NOT_HTTPS


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.255.255.254",
        "0.0.0.0",  # noqa: S104 - nobody listens here
        "0.1.2.3",
        "10.1.2.3",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "192.0.2.1",
        "198.18.0.1",
        "203.0.113.9",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::a00:1",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2002:c0a8:101::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "2001:db8::1",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "fc00::1",
        "fd12:3456::1",
        "ff02::1",
        "100::1",
        "5f00::1",
        "4000::1",
        "not an address",
        "",
    ],
)
def test_an_address_that_is_not_on_the_open_internet_is_recognised(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "172.32.0.1",
        "100.128.0.1",
        "2606:4700::1111",
        "::ffff:8.8.8.8",
        "64:ff9b::808:808",
        "2002:808:808::1",
    ],
)
def test_an_address_on_the_open_internet_is_recognised(address: str) -> None:
    assert is_public(address)


def test_a_target_that_is_printed_does_not_tell_its_path() -> None:
    target = target_of("https://cabinet.example.kz/recognisable?recognisable", private_allowed=False)
    assert "recognisable" not in f"{target!r} {target} {[target]}"
    assert "cabinet.example.kz" in repr(target)
