"""The operator's commands, called in this process: what they do, and what they say of what was given wrongly."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from demo.sample import FAMILY
from pushhub.kernel.settings import Settings
from tests.support.command_line import Ended, run_command
from tests.support.environments import least_of

Operate = Callable[..., Ended]


@pytest.fixture
def operate(settings: Settings, tmp_path: Path) -> Operate:
    """A command on an installation without anything."""
    return lambda *words: run_command(*words, home=tmp_path, settings=least_of(settings))


@pytest.fixture
def product(operate: Operate) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(operate("product", "create", "--name", "MINDAL", "--json").stdout)
    return made


def policy_of(operate: Operate, name: str) -> dict[str, Any]:
    listed = json.loads(operate("product", "list", "--json").stdout)
    items = listed if isinstance(listed, list) else listed["items"]
    policy: dict[str, Any] = next(each["policy"] for each in items if each["name"] == name)
    return policy


def test_a_key_file_is_made_once_and_never_overwritten(operate: Operate, tmp_path: Path) -> None:
    path = tmp_path / "sealing.json"
    made = operate("keys", "create", str(path))
    assert (made.code, made.stderr) == (0, "")
    assert "Keep a copy in a safe place" in made.stdout
    assert path.stat().st_mode & 0o777 == 0o600
    kept = path.read_bytes()
    again = operate("keys", "create", str(path))
    assert again.code == 1
    assert f"{path} exists already. A key file is never overwritten." in again.stderr
    assert path.read_bytes() == kept


def test_a_policy_is_changed_by_names_and_values(operate: Operate, product: dict[str, Any]) -> None:
    changed = operate("product", "policy", "MINDAL", "code_digits=6", 'countries=["KZ", "KG"]')
    assert changed.code == 0
    assert "code_digits" in changed.stdout
    policy = policy_of(operate, "MINDAL")
    assert (policy["code_digits"], policy["countries"]) == (6, ["KZ", "KG"])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("code_digits", "Write a policy as name=value, for example code_digits=6; not 'code_digits'."),
        ("code_digits=many", "code_digits"),
        ("code_digitz=6", "code_digitz"),
    ],
)
def test_a_policy_that_is_none_changes_nothing(
    operate: Operate, product: dict[str, Any], change: str, says: str
) -> None:
    before = policy_of(operate, "MINDAL")
    refused = operate("product", "policy", "MINDAL", "resends=2", change)
    assert refused.code != 0
    assert says in refused.stderr
    assert "Traceback" not in refused.stderr
    assert policy_of(operate, "MINDAL") == before


def test_the_list_of_products_says_which_keys_are_valid_and_never_a_keys_text(
    operate: Operate, product: dict[str, Any]
) -> None:
    listed = operate("product", "list").stdout
    name, *keys = listed.splitlines()
    assert name == f"MINDAL  {product['id']}"
    assert sorted(line.split()[1:] for line in keys) == [["live", "valid"], ["test", "valid"]]
    live = next(line.split()[0] for line in keys if " live " in line)
    assert operate("product", "key", "revoke", live).stdout == f"Revoked {live}.\n"
    relisted = operate("product", "list").stdout
    assert f"{live}  live  revoked" in relisted
    for text in (product["live_key"], product["test_key"]):
        assert text not in listed + relisted


def test_a_number_that_nobody_has_bound_is_said_to_be_out_of_reach(operate: Operate) -> None:
    shown = operate("number", "show", "+77057548009")
    assert (shown.code, shown.stdout) == (0, "+770****8009  not reachable: never_bound\n")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--iin", "890723300025", "--password", "Kunshuaq#2027"], "--iin is not right: an IIN has 12 digits"),
        (["--iin", FAMILY.iin, "--password", "1"], "The password does not meet the rule of the profile"),
        (["--password", "Kunshuaq#2027"], "Say with what the person signs in: --iin"),
    ],
)
def test_an_account_that_can_not_be_is_refused_with_what_is_wrong(
    operate: Operate, options: list[str], says: str
) -> None:
    assert operate("cabinet", "create", "indigo").code == 0
    refused = operate("cabinet", "account", "indigo", "--number", "+77011234567", *options)
    assert refused.code == 1
    assert says in refused.stderr
    made = operate(
        "cabinet", "account", "indigo", "--iin", FAMILY.iin, "--number", "+77011234567", "--password", "Kunshuaq#2027"
    )
    assert made.code == 0, "what was refused has left nothing in the way"
    assert made.stdout.endswith(" has the number +770****4567.\n")


def test_a_profile_is_checked_without_a_database(tmp_path: Path) -> None:
    good = run_command("cabinet", "check", "indigo", home=tmp_path)
    assert (good.code, good.stdout) == (0, "indigo: the profile of INDIGO ed24.kz can be used.\n")
    bad = run_command("cabinet", "check", "nobody", home=tmp_path)
    assert bad.code == 1
    assert "nobody" in bad.stderr
