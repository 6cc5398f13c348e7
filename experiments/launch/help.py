"""What `--help` says of the commands that Hydra runs; Hydra's own text takes seconds to put together."""

import sys
from pathlib import Path

from experiments.launch.config import CONF

FLAGS = ("--help", "-h")


def wanted(words: list[str]) -> bool:
    """Whether the command line asks for help."""
    return any(flag in words for flag in FLAGS)


def text(about: str) -> str:
    """Return the help: what the command does, the groups and their choices, how to see and set everything else."""
    folders = sorted(path for path in Path(CONF).iterdir() if path.is_dir())
    groups = {folder.name: sorted(path.stem for path in folder.glob("*.yaml")) for folder in folders}
    width = max(map(len, groups))
    lines = [f"  {name:{width}}  {', '.join(choices)}" for name, choices in groups.items() if choices]
    return "\n".join(
        [
            about.strip(),
            "",
            "Choices, as group=choice:",
            *lines,
            "",
            "Every other setting is a key: world.people=800 pretrain.lr=1e-3 paths.lab=DIR seed=1.",
            "--cfg job      all settings, as the command line makes them; runs nothing",
            "--hydra-help   Hydra's own options",
        ]
    )


def print_help(about: str | None) -> bool:
    """Print the help where it is asked for, and say whether it was."""
    if not wanted(sys.argv[1:]):
        return False
    print(text(about or ""))
    return True
