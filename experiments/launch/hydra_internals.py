"""What touches Hydra's insides: the commands' entry, composing a config, and a launcher outside a Hydra application."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, NoReturn

from hydra import compose as hydra_compose
from hydra import initialize_config_dir, version
from hydra._internal import utils
from hydra._internal.callbacks import Callbacks
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.global_hydra import GlobalHydra
from hydra.core.plugins import Plugins
from hydra.types import HydraContext, RunMode, TaskFunction
from omegaconf import DictConfig

from data_gen.errors import ConfigError
from experiments.launch.config import CONF, as_choice, is_of_kind, register
from experiments.launch.errors import exit_on_error
from experiments.launch.hydra_messages import check_choices, hydra_message

HYDRA = "1.3"  # whose defaults the configs are written for


def command(function: Callable[[DictConfig], Any]) -> Callable[[], None]:
    """Return a command that calls the function with the config of the command line; it decorates as `hydra.main` does.

    An error that the user can mend, Hydra's or our own, ends the command in one line (see `exit_on_error`).
    """
    return _command(lambda config, _: function(config), function, lambda word: False)


def command_of_arms(function: Callable[[DictConfig, list[str]], Any]) -> Callable[[], None]:
    """Return a command over several arms, each with its own kinds of probe, model and so on; see `command`.

    Words that set a setting of a kind are given to the function beside the config, which they may not fit.
    """
    return _command(function, function, is_of_kind)


def _command(
    function: Callable[[DictConfig, list[str]], Any], named: Callable[..., Any], apart: Callable[[str], bool]
) -> Callable[[], None]:
    set_apart: list[str] = []

    @wraps(named)
    def task(config: DictConfig) -> Any:  # errors end here, since Hydra prints lines about one that passes it
        return exit_on_error(lambda: function(config, set_apart))

    @wraps(named)
    def main() -> None:
        register()
        version.setbase(HYDRA)
        utils.run_and_report = lambda work: work()  # Hydra's own prints several lines
        parser = utils.get_args_parser()
        parser.error = _refuse_flags  # type: ignore[method-assign]
        where: dict[str, Any] = {"config_path": CONF, "config_name": "config"}

        def run() -> None:
            arguments = _arguments(parser)
            set_apart[:] = [word for word in arguments.overrides if apart(word)]
            arguments.overrides = [word for word in arguments.overrides if not apart(word)]
            utils._run_hydra(arguments, parser, task, **where)

        exit_on_error(run)

    return main


def _arguments(parser: ArgumentParser) -> Namespace:
    arguments = parser.parse_intermixed_args()
    arguments.overrides = [as_choice(word) for word in arguments.overrides]
    check_choices(arguments.overrides)
    return arguments


def _refuse_flags(message: str) -> NoReturn:
    raise ConfigError(f"{message}; --help lists what can be given")


def compose(overrides: Sequence[str]) -> DictConfig:
    """Compose the config of one job, inside or outside a running Hydra application.

    Raises ConfigError for a word that names no setting or gives it an impossible value.
    """
    register()
    words = [as_choice(word) for word in overrides]
    check_choices(words)
    try:
        if GlobalHydra.instance().is_initialized():
            return hydra_compose("config", words)
        with initialize_config_dir(CONF, version_base=HYDRA):
            return hydra_compose("config", words)
    except Exception as error:
        if message := hydra_message(error, words):
            raise ConfigError(message) from None
        raise


def make_launcher(overrides: Sequence[str], task: TaskFunction) -> Any:
    """Return the launcher that a job's overrides choose, ready to run a task for every job of a sweep."""
    loader = ConfigLoaderImpl(utils.create_config_search_path(CONF))
    config = loader.load_configuration("config", overrides=list(overrides), run_mode=RunMode.MULTIRUN)
    context = HydraContext(config_loader=loader, callbacks=Callbacks(config))
    return Plugins.instance().instantiate_launcher(hydra_context=context, task_function=task, config=config)
