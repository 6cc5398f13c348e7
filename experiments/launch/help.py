"""The text of `--help` for the commands that Hydra runs; Hydra's own text takes seconds to put together."""

import sys
from pathlib import Path

from experiments.launch.config import CONF

SETTINGS_HELP = """
Every other setting is a key: world.people=800 pretrain.lr=1e-3 paths.lab=DIR seed=1.
--cfg job      all settings, as the command line makes them; runs nothing
--hydra-help   Hydra's own options"""


def print_help(description: str | None) -> bool:
    """Print the help if the command line asks for it, and return whether it does.

    It holds the command's description, the config groups with their choices, and how to set everything else.
    """
    if not {"--help", "-h"} & set(sys.argv[1:]):
        return False
    folders = sorted(path for path in Path(CONF).iterdir() if path.is_dir())
    groups = {folder.name: sorted(path.stem for path in folder.glob("*.yaml")) for folder in folders}
    width = max(map(len, groups))
    choices = [f"  {name:{width}}  {', '.join(names)}" for name, names in groups.items() if names]
    print((description or "").strip(), "", "Choices, as group=choice:", *choices, SETTINGS_HELP, sep="\n")
    return True
