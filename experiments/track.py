"""Send what the store holds to a tracker afterwards: `python -m experiments.track tracking=wandb`."""

from collections.abc import Iterator
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from data_gen.errors import ConfigError
from experiments.launch.hydra_internals import command
from experiments.launch.ledger import Ledger
from experiments.report_page import runs
from physics_lm import progress, tracking
from physics_lm.store.artifacts import MANIFEST


def sweep_ids(lab: Path) -> dict[str, str]:
    """Return for each artifact's key the last sweep that used it, from the ledger and the manifests."""
    manifests = runs.load_manifests(lab)
    return {
        step["key"]: entry.sweep for entry in Ledger(lab).entries() for step in runs.run_steps(manifests, entry.key)
    }


def tracked_folders(lab: Path) -> Iterator[Path]:
    """Yield the folders of the finished artifacts that are sent."""
    for mirrored in ("curve.parquet", "rows.parquet"):  # of a training, and of a probe
        folders = sorted(path.parent for path in lab.glob(f"artifacts/*/*/{mirrored}"))
        yield from (folder for folder in folders if (folder / MANIFEST).exists())


def replay(config: DictConfig) -> int:
    """Send every trained model and every probe of the lab; return their number."""
    lab, settings = Path(config.paths.lab), OmegaConf.to_object(config.tracking)
    if settings.kind == "none":
        raise ConfigError("tracking=none: choose where to, for example tracking=wandb")
    sweeps, folders = sweep_ids(lab), list(tracked_folders(lab))
    for folder in progress.track(folders, "track", "step"):
        tracking.log_artifact(tracking.make_tracker(settings, sweeps.get(folder.name, ""), lab), folder)
    return len(folders)


@command
def main(config: DictConfig) -> None:
    """Send the store in paths.lab to the tracker."""
    print(f"{replay(config)} steps mirrored")


if __name__ == "__main__":
    main()
