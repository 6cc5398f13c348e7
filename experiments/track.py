"""Mirror what the store holds in a tracker, later: `python -m experiments.track tracking=wandb`."""

from collections.abc import Iterator
from pathlib import Path

import hydra
from omegaconf import DictConfig, OmegaConf

from data_gen.errors import ConfigError
from experiments.launch.config import CONF, register
from experiments.launch.errors import guarded
from experiments.launch.ledger import Ledger
from experiments.report_page import runs
from physics_lm import progress, tracking
from physics_lm.store.artifacts import MANIFEST

register()


def groups(lab: Path) -> dict[str, str]:
    """Return for every artifact's key the sweep that last wanted it, from the ledger and the manifests."""
    made = runs.manifests(lab)
    return {step["key"]: entry.sweep for entry in Ledger(lab).entries() for step in runs.steps(made, entry.key)}


def folders(lab: Path) -> Iterator[Path]:
    """Yield the finished artifacts that are mirrored."""
    for step in tracking.STEPS:
        yield from sorted(path.parent for path in lab.glob(f"artifacts/{step}/*/{MANIFEST}"))


def replay(config: DictConfig) -> int:
    """Mirror every trained model and every probe of the lab; return how many."""
    lab, settings = Path(config.paths.lab), OmegaConf.to_object(config.tracking)
    if settings.kind == "none":
        raise ConfigError("tracking=none: choose where to, for example tracking=wandb")
    sweeps, count = groups(lab), 0
    for folder in progress.over(list(folders(lab)), "track", "step"):
        to = tracking.tracker(settings, sweeps.get(folder.name, ""), lab)
        tracking.replay(to, folder)
        count += 1
    return count


@hydra.main(version_base="1.3", config_path=CONF, config_name="config")
def main(config: DictConfig) -> None:
    """Replay the store in paths.lab."""
    print(f"{guarded(lambda: replay(config))} steps mirrored")


if __name__ == "__main__":
    main()
