"""List and remove what lies in a lab: `python -m experiments.store [paths.lab=DIR] [KEY | remove=KEY [users=true]]`.

Without words: a line per artifact. KEY: what the artifact was made from and what was made from it. remove=KEY,...:
removes artifacts from which nothing else in the lab was made; with users=true all that was made from them goes too.
remove=partial, remove=damaged and remove=removed clear unfinished artifacts, damaged ones, and stopped removals.
"""

import sys
from pathlib import Path

from data_gen.errors import ConfigError
from experiments.launch.config import split_lab
from experiments.launch.errors import exit_on_error
from physics_lm.store import inventory
from physics_lm.store.inventory import Artifact


def format_size(count: int) -> str:
    """Return a number of bytes in megabytes, as text."""
    return f"{count / 1e6:.1f} MB"


def list_lines(lab: Path) -> list[str]:
    """Return a line for each artifact, the number and size of all, and a line for each kind of leftovers."""
    artifacts = inventory.list_artifacts(lab)
    lines = [f"{'step':10} {'key':12} {'size':>10}  {'made':25} from, and what was made from it"]
    for item in artifacts:
        inputs = ", ".join(f"{name} {key[:12]}" for name, key in item.inputs.items()) or "settings alone"
        users = f"; needed by {len(item.needed_by)}" if item.needed_by else ""
        lines.append(f"{item.step:10} {item.key[:12]} {format_size(item.bytes):>10}  {item.created:25} {inputs}{users}")
    lines.append(f"{len(artifacts)} artifacts, {format_size(sum(item.bytes for item in artifacts))} in {lab}")
    leftovers = inventory.leftovers(lab).items()
    return lines + [f"{name}: {format_size(count)}; remove={name} clears it" for name, count in leftovers]


def describe(lab: Path, key: str) -> list[str]:
    """Return lines on one artifact: its folder, the tree of its inputs, and all that was made from it."""
    (item,) = inventory.find_artifacts(lab, [key])
    artifacts = {other.key: other for other in inventory.list_artifacts(lab)}
    users = [other for other in inventory.with_dependents(lab, [item]) if other.key != item.key]
    lines = [f"{item.step} {item.key}", f"{format_size(item.bytes)}, made {item.created}, {item.folder}", "made from:"]
    lines += _input_lines(item, artifacts, "  ") or ["  settings alone"]
    return [*lines, "made from it:", *([f"  {other.step} {other.key[:12]}" for other in users] or ["  nothing"])]


def _input_lines(item: Artifact, artifacts: dict[str, Artifact], indent: str) -> list[str]:
    """Return a line for each input of an artifact, followed by the lines of that input's own inputs."""
    lines = []
    for name, key in item.inputs.items():
        lines.append(f"{indent}{name} {key[:12]}" + ("" if key in artifacts else "  (not here)"))
        if key in artifacts:
            lines += _input_lines(artifacts[key], artifacts, indent + "  ")
    return lines


def remove(lab: Path, names: list[str], users: bool) -> list[str]:
    """Remove the artifacts with these keys, or one kind of leftovers; return a line for each and the space freed."""
    if len(names) == 1 and names[0] in inventory.LEFTOVERS:
        return [f"{format_size(inventory.clear_leftovers(lab, names[0]))} of {names[0]} artifacts removed"]
    artifacts = inventory.find_artifacts(lab, names)
    artifacts = inventory.with_dependents(lab, artifacts) if users else artifacts
    freed = inventory.remove(lab, artifacts)
    return [*(f"{item.step} {item.key[:12]} removed" for item in artifacts), f"{format_size(freed)} freed"]


def run_command(words: list[str]) -> list[str]:
    """Do what a command line asks for and return the lines to print; raises ConfigError for a word it cannot read."""
    lab, words = split_lab(words)
    options = dict(word.split("=", 1) for word in words if "=" in word)
    keys = [word for word in words if "=" not in word]
    if unknown := set(options) - {"remove", "users"}:
        raise ConfigError(f"{sorted(unknown)[0]}: there is no such word; known are paths.lab=, remove= and users=")
    if not (lab / "artifacts").is_dir():
        raise ConfigError(f"paths.lab={lab}: no lab lies there")
    if "remove" in options:
        return remove(lab, options["remove"].split(","), options.get("users") == "true")
    return [line for key in keys for line in describe(lab, key)] if keys else list_lines(lab)


def main() -> None:
    """Print the lines; an error that the user can mend ends the command with one line and status 2."""
    if {"-h", "--help"} & set(sys.argv[1:]):
        print(__doc__)
        return
    print("\n".join(exit_on_error(lambda: run_command(sys.argv[1:]))))


if __name__ == "__main__":
    main()
