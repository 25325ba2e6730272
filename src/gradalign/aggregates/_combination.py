"""Combinations that a user names: `name=a+b+c`."""

from gradalign.aggregates._base import AGGREGATES, Aggregate
from gradalign.errors import InputError
from gradalign.proxies import PROXIES


def parse_combination(text: str) -> Aggregate:
    """The aggregate that `name=a+b+c` describes: the rank sum of logs of proxies a, b and c.

    Args:
        text: A new name, `=`, and names of proxies joined by `+`; blanks around them are ignored.

    Returns:
        The aggregate; it is not registered.

    Raises:
        InputError: The text has another form, a name is taken, or a proxy occurs twice.
        UnknownNameError: A member is no proxy; the message offers the nearest names.
    """
    name, equals, right = (part.strip() for part in text.partition("="))
    if not (equals and name and right):
        raise InputError(f"combination {text!r}: write it as name=proxy+proxy")
    if not name.isidentifier():
        raise InputError(
            f"combination {text!r}: the name {name!r} may hold letters, digits and _ only"
        )
    if name in PROXIES or name in AGGREGATES:
        kind = "a proxy" if name in PROXIES else "an aggregate"
        raise InputError(f"combination {text!r}: {name!r} is {kind} already, choose another name")
    return Aggregate(name=name, members=_members(text, right))


def _members(text: str, right: str) -> tuple[str, ...]:
    """The proxies in the right-hand side of a combination."""
    parts = [part.strip() for part in right.split("+")]
    if not all(parts):
        raise InputError(f"combination {text!r}: name a proxy on both sides of every '+'")
    members = tuple(PROXIES[part].name for part in parts)  # unknown names raise
    for member in members:
        if members.count(member) > 1:
            raise InputError(f"combination {text!r}: {member!r} occurs more than once")
    return members
