"""TODO experiments.launch.hydra_internals."""

from collections.abc import Sequence

from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig

from experiments.launch.config import CONF


def compose(overrides: Sequence[str]) -> DictConfig:
    """Compose the config of one job, inside or outside a running Hydra application."""
    if GlobalHydra.instance().is_initialized():
        return hydra_compose("config", list(overrides))
    with initialize_config_dir(CONF, version_base="1.3"):
        return hydra_compose("config", list(overrides))
