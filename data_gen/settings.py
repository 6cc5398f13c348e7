"""How a config dataclass declares its settings: the default, what it may be, and whether it decides a result."""

from dataclasses import MISSING, Field, dataclass, field, fields
from math import inf, isfinite
from pathlib import Path
from typing import Any

from data_gen.errors import ConfigError


@dataclass(frozen=True)
class Rule:
    """What a setting may be, and what it decides; see `setting`."""

    choices: tuple[str, ...] = ()
    least: float = -inf
    above: float = -inf
    most: float = inf
    below: float = inf
    decides: bool = True
    content: bool = False
    is_kind: bool = False

    def allows(self, value: Any) -> bool:
        """Whether a value is possible."""
        if self.choices:
            return value in self.choices
        if isinstance(value, bool) or not isinstance(value, int | float):
            return True
        within = value >= self.least and value <= self.most and (value > self.above or self.above == -inf)
        return isfinite(value) and within and (value < self.below or self.below == inf)

    def __str__(self) -> str:
        """Return what is possible, as the end of a message."""
        if self.choices:
            return f"choose {', '.join(self.choices[:-1])} or {self.choices[-1]}"
        low = f"{self.least} or more" if self.least > -inf else f"above {self.above}" if self.above > -inf else ""
        high = f"at most {self.most}" if self.most < inf else f"below {self.below}" if self.below < inf else ""
        return "must be " + (" and ".join(text for text in (low, high) if text) or "a number")


def setting(default: Any, **rule: Any) -> Any:
    """Return the field of a setting, with the arguments of `Rule`.

    choices: the texts that it may be. least, above, most, below: the limits of a number, which must also be finite.
    decides: false for one that changes how a result is computed, but not the result; it enters neither keys nor rows.
    content: the setting is a path, and the sha256 of what lies there enters keys and rows in its place.
    """
    return field(default=default, metadata={"rule": Rule(**rule)})


def kind(name: str) -> Any:
    """Return the field that holds the name of the kind whose settings a class has; a class for each, see `kinds`."""
    return setting(name, is_kind=True)


def rule(item: "Field[Any]") -> Rule:
    """Return a field's rule; one that was declared without `setting` may be anything."""
    found: Rule = item.metadata.get("rule", Rule())
    return found


def kind_key(config: Any) -> str:
    """Return the name of the field that holds the kind of a config, or of its class: `kind`, `family`, `method`."""
    return next(item.name for item in fields(config) if rule(item).is_kind)


def default(config_class: type, item: "Field[Any]") -> Any:
    """Return a setting's default; of the name of the kind, the one that is taken where none is named.

    So a key that was made before a kind had a class of its own stays as it is.
    """
    if rule(item).is_kind:
        first = [base for base in config_class.__mro__ if item.name in getattr(base, "__dataclass_fields__", {})][-1]
        return first.__dataclass_fields__[item.name].default  # type: ignore[attr-defined]
    return item.default if item.default_factory is MISSING else item.default_factory()


def check(section: str, config: Any) -> None:
    """Raise ConfigError naming the first setting whose value its rule does not allow. section: for its name."""
    for item in fields(config):
        value = getattr(config, item.name)
        if not rule(item).allows(value):
            number = isinstance(value, float) and not isfinite(value)
            raise ConfigError(f"{section}.{item.name}={value}: {rule(item)}{' and finite' if number else ''}")
        if rule(item).content and value and not Path(value).exists():
            raise ConfigError(f"{section}.{item.name}={value}: there is no such file or folder")
