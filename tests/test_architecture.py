"""The house is as docs/architecture.md says: rooms, words, and the ways through it."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from uuid import UUID

import pytest

from pushhub.accounts.models import email_context as account_email
from pushhub.accounts.models import link_context, particulars_context
from pushhub.binding.offers import totp_context
from pushhub.identity.phone import PhoneNumber
from pushhub.mail.models import letter_context
from pushhub.verifications.lifecycle import codes_to
from pushhub.verifications.models import code_context
from pushhub.verifications.models import email_context as verification_email
from pushhub.webhooks.models import secret_context
from tests.support.actors import NUMBER, Phone, Shop
from tests.support.dispatching import Dispatch
from tests.support.sources import ROOT, SERVICE, modules
from tests.support.walks import assert_walked, called, walk

pytestmark = pytest.mark.sqlite  # what is called is the same on both engines


def test_no_two_public_classes_of_the_service_have_one_name() -> None:
    found = defaultdict(list)
    for path, source in modules("pushhub"):
        for node in source.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].append(path)
    assert {name: paths for name, paths in found.items() if len(paths) > 1} == {}


def test_every_room_is_in_the_picture_and_says_what_it_is_about() -> None:
    picture = (ROOT / "docs" / "architecture.md").read_text()
    for package in SERVICE:
        for folder in [ROOT / package, *(each.parent for each in (ROOT / package).rglob("__init__.py"))]:
            if folder.parent.name in ("versions",):
                continue
            assert ast.get_docstring(ast.parse((folder / "__init__.py").read_text())), folder
            if folder.parent in (ROOT, ROOT / "pushhub"):
                assert f"{folder.name}/" in picture, folder


def test_modules_are_named_by_what_they_do() -> None:
    vague = {"utils.py", "helpers.py", "common.py", "misc.py", "service.py", "manager.py"}
    assert {path for package in SERVICE for path, _ in modules(package) if Path(path).name in vague} == set()


def test_what_is_sealed_can_be_opened_by_every_release() -> None:
    """The contexts under which rows are sealed, and the names of locks that releases share, never change."""
    key = UUID(int=1)
    contexts = [
        code_context(key),
        verification_email(key),
        letter_context(key),
        secret_context(key),
        account_email(key),
        particulars_context(key),
        link_context(key),
        totp_context(key),
    ]
    assert [context.partition(":")[0] for context in contexts] == [
        *("code", "email", "letter", "webhook-secret"),
        *("account-email", "account-particulars", "account-link", "offer-totp"),
    ]
    assert all(context.endswith(f":{key}") for context in contexts)
    assert codes_to(PhoneNumber.parse(NUMBER)) == f"codes:{NUMBER}"


def test_the_service_starts_without_the_demonstration(tmp_path: Path) -> None:
    """It need not even be installed."""
    script = """
import os, sys
from pushhub.kernel.sealing import create_key_file
from pathlib import Path
create_key_file(Path("keys.json"))
sys.modules["demo"] = None  # whoever imports it now fails
os.environ["PUSHHUB_KEY_FILE"] = "keys.json"
os.environ["PUSHHUB_PUBLIC_URL"] = "https://codes.example.kz"
os.environ["PUSHHUB_DATABASE_URL"] = "sqlite:///service.db"
import wsgi
assert wsgi.application.test_client().get("/healthz").status_code == 200
assert wsgi.application.test_client().get("/").status_code == 200
assert wsgi.application.test_client().get("/start/codes").status_code == 404
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_a_code_goes_the_way_that_the_page_shows(shop: Shop, bound: Phone, dispatch: Dispatch) -> None:
    dispatch()
    with called() as order:
        verification = shop.ask()
        dispatch()
        assert shop.check(verification, bound.read_code())["valid"]
    channel = ("pushhub/channels/recording.py", "RecordingChannel.send")
    assert_walked("code", order, **{"FcmChannel.send": channel})


def test_an_offer_goes_the_way_that_the_page_shows(shop: Shop, phone: Phone) -> None:
    with called() as order:
        phone.bind_to(shop)
    assert_walked("binding", order)


def test_the_walks_are_short() -> None:
    for name, functions, files in (("code", 30, 14), ("binding", 20, 10), ("webhook", 11, 8)):
        assert len(walk(name)) <= functions, name
        assert len({file for file, _ in walk(name)}) <= files, name
