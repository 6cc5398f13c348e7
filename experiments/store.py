"""What lies in the lab, and removal: `python -m experiments.store [paths.lab=DIR] [KEY | remove=KEY [users=true]]`.

Without words: a line per artifact. KEY: what it was made from and what was made from it. remove=KEY,...: removes
artifacts from which nothing else here was made, with users=true also all that was; remove=partial,
remove=damaged and remove=removed clear what is left of unfinished and damaged ones, and of a removal that was stopped.
"""

import sys
from pathlib import Path

from data_gen.errors import ConfigError
from experiments.launch.config import lab_of
from experiments.launch.errors import guarded
from physics_lm.store import inventory
from physics_lm.store.inventory import Item


def megabytes(count: int) -> str:
    """Return a number of bytes as text."""
    return f"{count / 1e6:.1f} MB"


def listing(lab: Path) -> list[str]:
    """Return a line per artifact, and the sums."""
    found = inventory.items(lab)
    lines = [f"{'step':10} {'key':12} {'size':>10}  {'made':25} from, and what was made from it"]
    for item in found:
        made_from = ", ".join(f"{name} {key[:12]}" for name, key in item.inputs.items()) or "settings alone"
        users = f"; needed by {len(item.needed_by)}" if item.needed_by else ""
        lines.append(
            f"{item.step:10} {item.key[:12]} {megabytes(item.bytes):>10}  {item.created:25} {made_from}{users}"
        )
    lines.append(f"{len(found)} artifacts, {megabytes(sum(item.bytes for item in found))} in {lab}")
    lines += [
        f"{name}: {megabytes(count)}; remove={name} clears it" for name, count in inventory.leftovers(lab).items()
    ]
    return lines


def described(lab: Path, key: str) -> list[str]:
    """Return what one artifact is, what it was made from, all the way, and what was made from it."""
    (item,) = inventory.chosen(lab, [key])
    known = {other.key: other for other in inventory.items(lab)}
    above = _above(item, known, "  ")
    below = [other for other in inventory.with_users(lab, [item]) if other.key != item.key]
    lines = [f"{item.step} {item.key}", f"{megabytes(item.bytes)}, made {item.created}, {item.folder}", "made from:"]
    lines += above or ["  settings alone"]
    lines += ["made from it:", *([f"  {other.step} {other.key[:12]}" for other in below] or ["  nothing"])]
    return lines


def _above(item: Item, known: dict[str, Item], indent: str) -> list[str]:
    lines = []
    for name, key in item.inputs.items():
        lines.append(f"{indent}{name} {key[:12]}" + ("" if key in known else "  (not here)"))
        if key in known:
            lines += _above(known[key], known, indent + "  ")
    return lines


def removed(lab: Path, names: list[str], users: bool) -> list[str]:
    """Remove what is named; return what was done."""
    if len(names) == 1 and names[0] in inventory.LEFTOVERS:
        return [f"{megabytes(inventory.clear(lab, names[0]))} of {names[0]} artifacts removed"]
    wanted = inventory.chosen(lab, names)
    wanted = inventory.with_users(lab, wanted) if users else wanted
    freed = inventory.remove(lab, wanted)
    return [*(f"{item.step} {item.key[:12]} removed" for item in wanted), f"{megabytes(freed)} freed"]


def answer(words: list[str]) -> list[str]:
    """Return the lines that a command line asks for; raises ConfigError where it cannot be understood."""
    lab, words = lab_of(words)
    given = dict(word.split("=", 1) for word in words if "=" in word)
    keys = [word for word in words if "=" not in word]
    if unknown := set(given) - {"remove", "users"}:
        raise ConfigError(f"{sorted(unknown)[0]}: there is no such word; known are paths.lab=, remove= and users=")
    if not (lab / "artifacts").is_dir():
        raise ConfigError(f"paths.lab={lab}: no lab lies there")
    if "remove" in given:
        return removed(lab, given["remove"].split(","), given.get("users") == "true")
    return [line for key in keys for line in described(lab, key)] if keys else listing(lab)


def main() -> None:
    """Print what the command line asks for; exits with status 2 and one line where that cannot be done."""
    if {"-h", "--help"} & set(sys.argv[1:]):
        print(__doc__)
        return
    print("\n".join(guarded(lambda: answer(sys.argv[1:]))))


if __name__ == "__main__":
    main()
