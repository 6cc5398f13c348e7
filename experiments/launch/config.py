"""The root config of every command: its schema for Hydra, and its conversion into the dataclasses of a run."""

from dataclasses import MISSING as NO_DEFAULT
from dataclasses import FrozenInstanceError, dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING, DictConfig, OmegaConf

from data_gen import kinds
from data_gen.errors import ConfigError
from data_gen.settings import kind_key
from physics_lm.config.run import KIND_PACKAGES, SECTIONS, RunConfig
from physics_lm.config.tracking import TrackingConfig

PLAIN = str | int | float | bool  # what a setting may be
CONF = str(Path(__file__).resolve().parents[2] / "conf")


@dataclass
class Paths:
    """lab: the folder that everything is written to."""

    lab: str = "lab"


@dataclass
class ScaleInfo:
    """A scale, as plans and figures describe it.

    shows: whether the paper's phenomenon can appear at this scale. departures: the fidelity table, that is what
    differs from the paper. arm_seconds: measured core-seconds of one arm. arm_megabytes: the disk space of one arm.
    sizes: by section of a run, what a choice's yaml takes from here.
    """

    name: str = MISSING
    shows: bool = True
    departures: dict[str, str] = field(default_factory=dict)
    arm_seconds: float = 0.0
    arm_megabytes: float = 0.0
    sizes: dict[str, Any] = field(default_factory=dict)


@dataclass
class FigureConfig:
    """Which figure is drawn, and which of its arms.

    arms: `default`, `all`, or a list of names. seeds: number of seeds, from `seed` on. known: every arm with its
    overrides. default, all: the names of arms that these words mean at a scale; at other scales every known arm.
    settings: overrides that an arm, or `every` arm, needs at a scale beyond its own. departures: rows that the
    figure adds to the fidelity table of a scale.
    """

    name: str = MISSING
    arms: Any = "default"
    seeds: int = 1
    default: dict[str, list[str]] = field(default_factory=dict)
    all: dict[str, list[str]] = field(default_factory=dict)
    known: dict[str, list[str]] = field(default_factory=dict)
    settings: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    departures: dict[str, dict[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Root(RunConfig):
    """Everything that a command line can set: a run, and what commands read. only: the benchmark to run."""

    plan: bool = False
    only: str = ""
    tracking: TrackingConfig = field(default_factory=TrackingConfig)
    scale: ScaleInfo = field(default_factory=ScaleInfo)
    figure: FigureConfig = field(default_factory=FigureConfig)
    paths: Paths = field(default_factory=Paths)


@cache
def register() -> None:
    """Register the schemas with Hydra, which then refuses unknown keys and wrong types when it composes a config.

    `schema` is of the whole config, `schema/SECTION/KIND` of a kind's own settings; a choice's yaml names the latter.
    """
    store = ConfigStore.instance().store
    root = _settable(Root)
    for section, package in KIND_PACKAGES.items():
        root[section] = _settable(base_configs()[section])  # a choice merges its own class into it
        for name, module in kinds.modules(package).items():
            store(group=f"schema/{section}", name=name, node=_settable(module.Config))
    store(name="schema", node=root)


@cache
def kind_keys() -> dict[str, str]:
    """Return the setting that holds the kind of a section, such as `finetune.method`, and the section."""
    return {f"{section}.{kind_key(base)}": section for section, base in base_configs().items()}


def as_choice(word: str) -> str:
    """Return a word that names the kind of a section, such as `finetune.method=lora`, as the choice `finetune=lora`.

    The kind has settings of its own, which come with the choice.
    """
    key, equals, value = word.partition("=")
    return f"{kind_keys()[key]}{equals}{value}" if equals and key in kind_keys() else word


def is_of_kind(word: str) -> bool:
    """Whether a word of a command line sets a setting of a section whose settings depend on its kind."""
    section, dot, _ = word.lstrip("+").partition("=")[0].partition(".")
    return bool(dot) and section in KIND_PACKAGES


def base_configs() -> dict[str, type]:
    """Return the class that all kinds of a section extend."""
    return {section: get_type_hints(RunConfig)[section] for section in KIND_PACKAGES}


def _settable(config: type) -> DictConfig:
    """Return a schema in which the command line can set keys, though the dataclasses are frozen."""
    for item in fields(config):
        if item.default is not NO_DEFAULT and not isinstance(item.default, PLAIN):
            raise TypeError(
                f"{config.__module__}: {item.name} must be a text, a number or true or false, as columns are"
            )
    schema = OmegaConf.structured(config)
    for node in (schema, *schema._content.values()):
        if OmegaConf.is_config(node):
            OmegaConf.set_readonly(node, None)
    return schema


def split_lab(words: list[str]) -> tuple[Path, list[str]]:
    """Return the lab that `paths.lab=DIR`, DIR maybe in quotes, names in a command line, and the other words."""
    labs = [word.partition("=")[2].strip("'\"") for word in words if word.startswith("paths.lab=")]
    return Path(labs[-1] if labs else Paths.lab), [word for word in words if not word.startswith("paths.lab=")]


def run_config(config: DictConfig) -> RunConfig:
    """Return the run that a composed config describes; raises ConfigError for an added key or an empty paths.lab."""
    if not config.paths.lab:
        raise ConfigError("paths.lab=: name the folder that everything is written to")
    if added := sorted(set(map(str, config)) - {field.name for field in fields(Root)}):
        raise ConfigError(f"{added[0]}: there is no such setting to add; --cfg job lists all settings")
    return RunConfig(seed=config.seed, **{name: _section(name, config[name]) for name in SECTIONS})


def _section(name: str, config: DictConfig) -> Any:
    try:
        return OmegaConf.to_object(config)
    except FrozenInstanceError as error:  # the command line appended a key with +
        key = str(error).rpartition(" ")[2].strip("'")
        raise ConfigError(f"{name}.{key}: the choice of {name} has no such setting, and none can be added") from None
