"""An arm is one of the settings that a figure compares: which are drawn at a scale, and each one's overrides."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from data_gen.errors import ConfigError
from experiments.launch.config import CONF, is_of_kind
from experiments.launch.hydra_internals import compose
from physics_lm.config.run import KIND_PACKAGES

ALL_FIGURES = "all"  # the word for every figure


def figure_names() -> list[str]:
    """Return the names of all figures."""
    return sorted(path.stem for path in (Path(CONF) / "figure").glob("*.yaml") if path.stem != ALL_FIGURES)


def arms_of(figure: DictConfig, scale: str) -> dict[str, list[str]]:
    """Return the figure's chosen arms and their overrides; raises ConfigError for an unknown arm."""
    known = OmegaConf.to_container(figure.known)
    assert isinstance(known, dict)
    _check_scales(figure, known)
    if figure.arms == "default":
        names = list(figure.default.get(scale, known))
    elif figure.arms == "all":
        names = list(figure.all.get(scale, known))
    elif isinstance(figure.arms, str | Sequence):
        names = [figure.arms] if isinstance(figure.arms, str) else list(figure.arms)
    else:
        raise ConfigError(f"figure.arms={figure.arms}: choose default, all, or some of {', '.join(known)}")
    if unknown := [name for name in names if name not in known]:
        raise ConfigError(f"figure.arms: no arm {unknown[0]}; choose default, all, or some of {', '.join(known)}")
    if not names:
        raise ConfigError("figure.arms: name at least one arm")
    extra = figure.settings.get(scale) or {}
    every = extra.get("every", [])
    own = {name: [*known[name], *extra.get(name, [])] for name in names}
    return {name: [*known[name], *possible(every, own[name]), *extra.get(name, [])] for name in names}


def possible(words: Sequence[str], arm: Sequence[str]) -> list[str]:
    """Return those of the words that name a setting which an arm has; its kinds of probe or method may lack others."""
    names = _settings_of(tuple(word for word in arm if word.partition("=")[0] in (*KIND_PACKAGES, "hydra.searchpath")))
    keys = {word: word.partition("=")[0].split(".") for word in words}
    return [word for word, key in keys.items() if len(key) == 1 or key[1] in names.get(key[0], key)]


@cache
def _settings_of(choices: tuple[str, ...]) -> Mapping[str, list[str]]:
    """Return the names of the settings of every section whose settings depend on what is chosen."""
    config = compose(choices)
    return {section: [str(name) for name in config[section]] for section in KIND_PACKAGES}


def _check_scales(figure: DictConfig, known: Mapping[str, object]) -> None:
    """Raise ConfigError where a figure's yaml speaks of a scale or an arm that there is not."""
    scales = sorted(path.stem for path in (Path(CONF) / "scale").glob("*.yaml"))
    for section in ("default", "all", "settings", "departures"):
        for scale, arms in figure[section].items():
            where = f"conf/figure/{figure.name}.yaml: {section}.{scale}"
            if scale not in scales:
                raise ConfigError(f"{where}: no such scale; choose one of {', '.join(scales)}")
            unknown = [arm for arm in arms if arm not in known and arm != "every"] if section != "departures" else []
            if unknown:
                raise ConfigError(f"{where}: no arm {unknown[0]} among the figure's known ones")


def check_used(overrides: Sequence[str], jobs: Sequence[Sequence[str]]) -> None:
    """Raise ConfigError for an override of a setting which no job's kinds have. jobs: of each, its overrides."""
    for word in filter(is_of_kind, overrides):
        if not any(word in words for words in jobs):
            choices = [item for item in jobs[0] if not is_of_kind(item)]
            compose([*choices, word])
            raise ConfigError(f"{word}: no arm has this setting")


def arm_overrides(config: DictConfig, overrides: list[str]) -> dict[tuple[str, int], list[str]]:
    """Return for each arm and seed the overrides of its run; the command line's `overrides` come last.

    Raises ConfigError where the command line sets what the arms differ in.
    """
    command_line = [item for item in overrides if not item.startswith(("figure", "plan=", "seed=", "+figure"))]
    arms = arms_of(config.figure, config.scale.name)
    fixed = {item.partition("=")[0] for name in arms for item in config.figure.known[name]}
    if clash := [item for item in command_line if item.partition("=")[0] in fixed]:
        raise ConfigError(
            f"{clash[0]}: the figure's arms differ in {clash[0].partition('=')[0]}; choose among them with "
            "figure.arms, or use experiments.run"
        )
    seeds = range(config.seed, config.seed + config.figure.seeds)
    scale = [item for item in command_line if item.startswith("scale=")] or [f"scale={config.scale.name}"]
    rest = [item for item in command_line if not item.startswith("scale=")]
    each = {arm: possible(rest, [*words, *rest]) for arm, words in arms.items()}
    return {(arm, seed): [*scale, *arms[arm], *words, f"seed={seed}"] for arm, words in each.items() for seed in seeds}
