"""One run, or a sweep with -m: `python -m experiments.run corpus=multi5_permute seed=1`.

-m makes a run for each of several choices or values: corpus=single,multi5 seed=0,1,2
Printed is where the rows of each run are.
"""

from collections.abc import Iterable
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from data_gen.errors import ConfigError
from experiments.launch import help
from experiments.launch.config import CONF, register, run_config
from experiments.launch.errors import guarded
from physics_lm import checks, plan, tracking
from physics_lm import run as pipeline
from physics_lm.training import distributed

register()
ELSEWHERE = {
    "figure": "experiments.reproduce draws figures",
    "plan": "experiments.reproduce lists what a figure needs",
    "only": "experiments.bench measures speed",
}  # words that other commands read


def check_words(words: Iterable[str]) -> None:
    """Raise ConfigError for a word of the command line that a run would not read."""
    for word in words:
        if other := ELSEWHERE.get(word.lstrip("+~").partition("=")[0].partition(".")[0]):
            raise ConfigError(f"{word}: {other}; a run does not read it, leave it out")


def task(config: DictConfig, sweep: str = "") -> str:
    """Run the pipeline of one composed config, as part of a sweep where it is one; return the key of its rows."""
    run, lab = run_config(config), Path(config.paths.lab)
    if not sweep:  # of a sweep every job was checked, and a plan takes for granted what a check refuses
        checks.check(run)
        sweep = plan.plan(run).probe.key[:12]
    return pipeline.run(run, lab, tracking.tracker(OmegaConf.to_object(config.tracking), sweep, lab)).name


def main() -> None:
    """Run what the command line says, or say what it may say."""
    if not help.print_help(__doc__):
        _run()


@hydra.main(version_base="1.3", config_path=CONF, config_name="config")
def _run(config: DictConfig) -> str:
    """Run what the command line says and print where the rows are."""

    def work() -> str:
        check_words(HydraConfig.get().overrides.task)
        return task(config)

    key = guarded(work)
    if distributed.rank() == 0:
        print(Path(config.paths.lab) / "artifacts" / "probe" / key / "rows.parquet")
    return key


if __name__ == "__main__":
    main()
