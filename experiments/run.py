"""One run, or a sweep with -m: `python -m experiments.run corpus=multi5_permute seed=1`.

-m makes a run for each of several choices or values: corpus=single,multi5 seed=0,1,2
The command prints the path of each run's rows.
"""

from collections.abc import Iterable
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from data_gen.errors import ConfigError
from experiments.launch.help import print_help
from experiments.launch.hydra_internals import command
from experiments.launch.jobs import execute_config
from physics_lm.training import distributed

OTHER_COMMANDS = {
    "figure": "experiments.reproduce draws figures",
    "plan": "experiments.reproduce lists what a figure needs",
    "only": "experiments.bench measures speed",
}  # config keys that only these commands read


def check_overrides(overrides: Iterable[str]) -> None:
    """Raise ConfigError for an override on the command line that a run would not read."""
    for item in overrides:
        if reader := OTHER_COMMANDS.get(item.lstrip("+~").partition("=")[0].partition(".")[0]):
            raise ConfigError(f"{item}: {reader}; a run does not read it, leave it out")


def main() -> None:
    """Execute the run that the command line describes, or print the help."""
    if not print_help(__doc__):
        _run()


@command
def _run(config: DictConfig) -> str:
    """Execute the run, print the path of its rows and return their key."""
    check_overrides(HydraConfig.get().overrides.task)
    key = execute_config(config)
    if distributed.rank() == 0:
        print(Path(config.paths.lab) / "artifacts" / "probe" / key / "rows.parquet")
    return key


if __name__ == "__main__":
    main()
