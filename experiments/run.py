"""One run, or a sweep with -m: `python -m experiments.run corpus=multi5_permute seed=1`."""

from pathlib import Path

import hydra
from omegaconf import DictConfig, OmegaConf

from data_gen.config import ConfigError
from experiments import usage
from experiments.config import CONF, guarded, register, run_config
from physics_lm import checks, distributed, pipeline, tracking

register()


def task(config: DictConfig, sweep: str = "") -> str:
    """Run the pipeline of one composed config, as part of a sweep where it is one; return the key of its rows."""
    if config.plan:
        raise ConfigError("plan=true: experiments.reproduce lists what a figure needs; a run has no plan, leave it out")
    run, lab = run_config(config), Path(config.paths.lab)
    checks.check(run)  # before the plan, which takes what can be for granted
    group = sweep or pipeline.plan(run).probe.key[:12]
    return pipeline.run(run, lab, tracking.tracker(OmegaConf.to_object(config.tracking), group, lab)).name


def main() -> None:
    """Run what the command line says, or say what it may say."""
    if not usage.answered(__doc__):
        _run()


@hydra.main(version_base="1.3", config_path=CONF, config_name="config")
def _run(config: DictConfig) -> str:
    """Run what the command line says and print where the rows are."""
    key = guarded(lambda: task(config))
    if distributed.rank() == 0:
        print(Path(config.paths.lab) / "artifacts" / "probe" / key / "rows.parquet")
    return key


if __name__ == "__main__":
    main()
