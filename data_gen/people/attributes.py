"""The six attributes of a person, in the order of the unpermuted biographies (Part 3.1, section 2.1).

To add a seventh: one entry here, its sentences in templates/NAME.txt, and its values in pools/.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from data_gen.people import pools

NAME_POOLS = ("first_name", "middle_name", "last_name")
Sizes = Mapping[str, int]


@dataclass(frozen=True)
class Attribute:
    """One attribute: its question (with `{name}`), its values, and where it follows from another.

    `derive` gives, for pool sizes, the value's index for every index of the attribute it follows.
    """

    name: str
    question: str
    values: Callable[[Sizes], Sequence[str]]
    follows: str | None = None
    derive: Callable[[Sizes], Sequence[int]] | None = None


def _listed(pool: str) -> Callable[[Sizes], Sequence[str]]:
    return lambda sizes: pools.first(pool, sizes[pool])


ATTRIBUTES: tuple[Attribute, ...] = (
    Attribute("birth_date", "What is the birth date of {name}?", lambda s: pools.dates(s["year"])),
    Attribute("birth_city", "What is the birth city of {name}?", _listed("city")),
    Attribute("university", "Which university did {name} study?", _listed("university")),
    Attribute("major", "What major did {name} study?", _listed("major")),
    Attribute("employer", "Which company did {name} work for?", lambda s: pools.employers(s["employer"])[0]),
    Attribute(
        "company_city",
        "Where did {name} work?",
        lambda s: pools.employers(s["employer"])[1],
        follows="employer",
        derive=lambda s: pools.employers(s["employer"])[2],
    ),
)
NAMES: tuple[str, ...] = tuple(attribute.name for attribute in ATTRIBUTES)
