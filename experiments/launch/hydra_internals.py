"""What touches Hydra's insides: composing a config, and making a launcher outside a Hydra application."""

from collections.abc import Sequence
from typing import Any

from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra._internal.callbacks import Callbacks
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.utils import create_config_search_path
from hydra.core.global_hydra import GlobalHydra
from hydra.core.plugins import Plugins
from hydra.types import HydraContext, RunMode, TaskFunction
from omegaconf import DictConfig

from experiments.launch.config import CONF, register


def compose(overrides: Sequence[str]) -> DictConfig:
    """Compose the config of one job, inside or outside a running Hydra application."""
    register()
    if GlobalHydra.instance().is_initialized():
        return hydra_compose("config", list(overrides))
    with initialize_config_dir(CONF, version_base="1.3"):
        return hydra_compose("config", list(overrides))


def make_launcher(overrides: Sequence[str], task: TaskFunction) -> Any:
    """Return the launcher that a job's overrides choose, ready to run a task for every job of a sweep."""
    loader = ConfigLoaderImpl(create_config_search_path(CONF))
    config = loader.load_configuration("config", overrides=list(overrides), run_mode=RunMode.MULTIRUN)
    context = HydraContext(config_loader=loader, callbacks=Callbacks(config))
    return Plugins.instance().instantiate_launcher(hydra_context=context, task_function=task, config=config)
