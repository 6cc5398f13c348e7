"""Arms are run by Hydra's launcher, the way a sweep is: one list of overrides a job."""

from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra._internal.callbacks import Callbacks
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.utils import create_config_search_path
from hydra.core.global_hydra import GlobalHydra
from hydra.core.plugins import Plugins
from hydra.core.utils import JobStatus
from hydra.types import HydraContext, RunMode
from omegaconf import DictConfig

from experiments.config import CONF, say
from experiments.run import task


def compose(overrides: list[str]) -> DictConfig:
    """Compose the config of one job, inside or outside a running Hydra application."""
    if GlobalHydra.instance().is_initialized():
        return hydra_compose("config", overrides)
    with initialize_config_dir(CONF, version_base="1.3"):
        return hydra_compose("config", overrides)


def launch(jobs: list[list[str]]) -> list[str]:
    """Run every job through Hydra's launcher; return for each an empty text, or why it failed.

    A failed job stops no other.
    """
    loader = ConfigLoaderImpl(create_config_search_path(CONF))
    config = loader.load_configuration("config", overrides=jobs[0], run_mode=RunMode.MULTIRUN)
    context = HydraContext(config_loader=loader, callbacks=Callbacks(config))
    launcher = Plugins.instance().instantiate_launcher(hydra_context=context, task_function=_reported, config=config)
    returns = launcher.launch(jobs, initial_job_idx=0)
    return [item._return_value if item.status == JobStatus.COMPLETED else repr(item._return_value) for item in returns]


def _reported(config: DictConfig) -> str:
    """Run a job; return an empty text, or the line that says why it could not be done."""
    try:
        task(config)
    except Exception as error:
        line = say(error)
        if line is None:
            raise
        return line
    return ""
