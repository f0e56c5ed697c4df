"""What an account knows of its person besides what they sign in with: names, company, contract, e-mail address.

All of it is sealed at rest. Its keys are names of a profile's fields, and `account` and `contract`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from uuid import UUID

from pushhub.accounts.models import Account, email_context, particulars_context
from pushhub.context import current
from pushhub.identity.email import Email


def sealed_profile_data(account_id: UUID, profile_data: Mapping[str, str]) -> bytes | None:
    """The profile data as they are stored; None where there are none."""
    if not profile_data:
        return None
    return current().keyring.seal(json.dumps(dict(profile_data)), particulars_context(account_id))


def profile_data_of(account: Account) -> dict[str, str]:
    """The profile data by name."""
    if account.particulars_sealed is None:
        return {}
    found: dict[str, str] = json.loads(
        current().keyring.unseal(account.particulars_sealed, particulars_context(account.id))
    )
    return found


def sealed_email(account_id: UUID, email: Email | None) -> bytes | None:
    """An e-mail address as it is stored."""
    return current().keyring.seal(email.address, email_context(account_id)) if email is not None else None


def email_of(account: Account) -> Email | None:
    """The e-mail address."""
    if account.email_sealed is None:
        return None
    return Email(current().keyring.unseal(account.email_sealed, email_context(account.id)))
