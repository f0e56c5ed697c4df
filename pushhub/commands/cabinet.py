"""`pushhub cabinet`: the products and accounts behind the cabinets' pages."""

from __future__ import annotations

import click

from pushhub.accounts.people.register import register
from pushhub.accounts.sign_in_identifiers import Identifier, may_be
from pushhub.cabinets.loader import read_profile
from pushhub.cabinets.product import caller_of, prepare_product
from pushhub.commands.shared import application, as_json, show
from pushhub.identity.email import Email
from pushhub.identity.phone import as_number
from pushhub.kernel import clock
from pushhub.kernel.errors import ConfigurationError
from pushhub.kernel.ids import Prefix, public_id


@click.group("cabinet")
def group() -> None:
    """Cabinets: pages of a product, made from a profile."""


@group.command()
@click.argument("profile")
@as_json
def create(profile: str, as_json: bool) -> None:
    """Make the product of PROFILE (a name such as `indigo`, or a TOML file), or bring its codes' policy up to date."""
    read = read_profile(profile)
    with application():
        product = prepare_product(read)
    document = {"slug": read.slug, "product": product.name, "id": public_id(Prefix.PRODUCT, product.id)}
    show(document, as_json, lambda: [f"{title:8} {text}" for title, text in document.items()])


@group.command("check")
@click.argument("profile")
def check_profile(profile: str) -> None:
    """Read PROFILE and say whether it can be used."""
    read = read_profile(profile)
    click.echo(f"{read.slug}: the profile of {read.product} can be used.")


@group.command("account")
@click.argument("profile")
@click.option("--iin", help="The person's IIN.")
@click.option("--number", help="The number on file: where codes go.")
@click.option("--login", help="Their login, or account number.")
@click.option("--email", help="Their e-mail address, taken as confirmed.")
@click.password_option(help="The password; asked for where it is left out.")
def create_account(
    profile: str, iin: str | None, number: str | None, login: str | None, email: str | None, password: str
) -> None:
    """Make an account in the cabinet of PROFILE, or give the one there is this number, address and password."""
    read = read_profile(profile)
    unmet = read.password.unmet(password)
    if unmet:
        raise ConfigurationError(f"The password does not meet the rule of the profile: {', '.join(unmet)}.")
    given = {"iin": iin, "number": number, "login": login, "email": email}
    with application():
        identifiers = [_identifier(kind, given[kind]) for kind in read.identifiers if given[kind]]
        if not identifiers:
            options = ", ".join(f"--{kind}" for kind in read.identifiers)
            raise ConfigurationError(f"Say with what the person signs in: {options}.")
        on_file = as_number(number) if number else None
        address = Email.parse(email) if email else None
        first, *further = identifiers
        register(
            caller_of(read).product_id,
            first,
            on_file,
            password,
            further=tuple(further),
            email=address,
            # In a cabinet of customers the login is the account number, by which the panel at the top is asked for.
            profile_data={"account": login} if login and read.customers is not None else None,
        )
    has = f" has the number {on_file}" if on_file is not None else " is ready"
    click.echo(f"The account of {first.masked}{has}.")


def _identifier(kind: str, text: str | None) -> Identifier:
    found = may_be(text or "", (kind,), clock.now().date())
    if not found:
        raise ConfigurationError(f"--{kind} is not right: {_FORMS[kind]}.")
    return found[0]


_FORMS = {
    "iin": "an IIN has 12 digits, the last of which follows from the others",
    "number": "write it as +77011234567",
    "login": "2 to 40 letters, digits, dots or dashes",
    "email": "write it as name@example.kz",
}
