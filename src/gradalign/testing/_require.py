"""How a check says what it found."""


def require(condition: bool, fault: str) -> None:  # noqa: FBT001
    """Raise AssertionError with `fault`, one line, unless the condition holds."""
    if not condition:
        raise AssertionError(fault)
