"""The six attributes of a person, in the order of the unpermuted biographies (Part 3.1, section 2.1).

To add a seventh: one entry here, its sentences in biographies/templates/NAME.txt, and its values in pools/.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from data_gen.people import pools

NAME_POOLS = ("first_name", "middle_name", "last_name")
Sizes = Mapping[str, int]


@dataclass(frozen=True)
class Attribute:
    """One attribute: its question (with `{name}`), its values, and the attribute that it follows from, if any.

    `derive` maps pool sizes to the value's index for every index of the attribute it follows.
    """

    name: str
    question: str
    values: Callable[[Sizes], Sequence[str]]
    follows: str | None = None
    derive: Callable[[Sizes], Sequence[int]] | None = None


def _pool_values(pool: str) -> Callable[[Sizes], Sequence[str]]:
    return lambda sizes: pools.first_lines(pool, sizes[pool])


ATTRIBUTES: tuple[Attribute, ...] = (
    Attribute("birth_date", "What is the birth date of {name}?", lambda sizes: pools.dates(sizes["year"])),
    Attribute("birth_city", "What is the birth city of {name}?", _pool_values("city")),
    Attribute("university", "Which university did {name} study?", _pool_values("university")),
    Attribute("major", "What major did {name} study?", _pool_values("major")),
    Attribute("employer", "Which company did {name} work for?", lambda sizes: pools.employers(sizes["employer"])[0]),
    Attribute(
        "company_city",
        "Where did {name} work?",
        lambda sizes: pools.employers(sizes["employer"])[1],
        follows="employer",
        derive=lambda sizes: pools.employers(sizes["employer"])[2],
    ),
)
NAMES: tuple[str, ...] = tuple(attribute.name for attribute in ATTRIBUTES)
