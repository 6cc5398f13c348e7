"""One run, or a sweep with -m: `python -m experiments.run corpus=multi5_permute seed=1`."""

from pathlib import Path

import hydra
from omegaconf import DictConfig

from experiments.config import CONF, guarded, register, run_config
from physics_lm import pipeline

register()


def task(config: DictConfig) -> str:
    """Run the pipeline of one composed config; return the key of its rows."""
    return pipeline.run(run_config(config), Path(config.paths.lab)).name


@hydra.main(version_base="1.3", config_path=CONF, config_name="config")
def main(config: DictConfig) -> str:
    """Run what the command line says and print where the rows are."""
    key = guarded(lambda: task(config))
    print(Path(config.paths.lab) / "artifacts" / "probe" / key / "rows.parquet")
    return key


if __name__ == "__main__":
    main()
