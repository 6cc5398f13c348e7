"""The command line's root config, registered with Hydra and turned into dataclasses once."""

from dataclasses import FrozenInstanceError, dataclass, field, fields
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING, DictConfig, OmegaConf

from data_gen.config import BesideConfig, CorpusConfig, FactsConfig, QuestionConfig, WorldConfig
from data_gen.errors import ConfigError
from physics_lm.config.model import ModelConfig
from physics_lm.config.probe import ProbeConfig
from physics_lm.config.rewrite import RewriteConfig
from physics_lm.config.run import RunConfig
from physics_lm.config.tokenizer import TokenizerConfig
from physics_lm.config.tracking import TrackingConfig
from physics_lm.config.training import FinetuneConfig, PretrainConfig

CONF = str(Path(__file__).resolve().parents[2] / "conf")


@dataclass
class Paths:
    """lab: the folder that everything is written to."""

    lab: str = "lab"


@dataclass
class ScaleInfo:
    """What a scale is, for plans and figures.

    shows: whether the phenomenon can be seen at all. departures: the fidelity table, what differs from the
    paper. arm_seconds: core-seconds of one arm, measured; arm_megabytes: its disk.
    """

    name: str = MISSING
    shows: bool = True
    departures: dict[str, str] = field(default_factory=dict)
    arm_seconds: float = 0.0
    arm_megabytes: float = 0.0


@dataclass
class FigureConfig:
    """Which figure, and which of its arms are drawn.

    arms: `default`, `all`, or a list of names. seeds: number of seeds, from `seed` on. known: every arm and
    its overrides. default, all: the names that these words stand for at a scale; elsewhere every known arm.
    settings: what an arm, or `every` arm, needs at a scale beyond its own overrides. departures: rows of the
    fidelity table that this figure adds at a scale.
    """

    name: str = MISSING
    arms: Any = "default"
    seeds: int = 1
    default: dict[str, list[str]] = field(default_factory=dict)
    all: dict[str, list[str]] = field(default_factory=dict)
    known: dict[str, list[str]] = field(default_factory=dict)
    settings: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    departures: dict[str, dict[str, str]] = field(default_factory=dict)


@dataclass
class Root:
    """Everything that a command line can set. only: the one benchmark that experiments.bench runs."""

    seed: int = 0
    plan: bool = False
    only: str = ""
    world: WorldConfig = field(default_factory=WorldConfig)
    corpus: CorpusConfig = field(default_factory=CorpusConfig)
    beside: BesideConfig = field(default_factory=BesideConfig)
    rewrite: RewriteConfig = field(default_factory=RewriteConfig)
    facts: FactsConfig = field(default_factory=FactsConfig)
    tokenizer: TokenizerConfig = field(default_factory=TokenizerConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    pretrain: PretrainConfig = field(default_factory=PretrainConfig)
    prior: FinetuneConfig = field(default_factory=lambda: FinetuneConfig(method="none"))
    questions: QuestionConfig = field(default_factory=QuestionConfig)
    finetune: FinetuneConfig = field(default_factory=FinetuneConfig)
    probe: ProbeConfig = field(default_factory=ProbeConfig)
    tracking: TrackingConfig = field(default_factory=TrackingConfig)
    scale: ScaleInfo = field(default_factory=ScaleInfo)
    figure: FigureConfig = field(default_factory=FigureConfig)
    paths: Paths = field(default_factory=Paths)


def register() -> None:
    """Register the schema, so that unknown keys and wrong types are refused at compose time."""
    schema = OmegaConf.structured(Root)
    for node in schema.values():
        if OmegaConf.is_config(node):
            OmegaConf.set_readonly(node, None)  # frozen for our code, not for the command line
    ConfigStore.instance().store(name="schema", node=schema)


def lab_of(words: list[str]) -> tuple[Path, list[str]]:
    """Return the lab that `paths.lab=DIR` among a command's words names, maybe in quotes, and the other words."""
    given = [word.partition("=")[2].strip("'\"") for word in words if word.startswith("paths.lab=")]
    return Path(given[-1] if given else Paths.lab), [word for word in words if not word.startswith("paths.lab=")]


def run_config(config: DictConfig) -> RunConfig:
    """Turn a composed config into the run it describes."""
    if not config.paths.lab:
        raise ConfigError("paths.lab=: name the folder that everything is written to")
    keys = [part.name for part in fields(RunConfig) if part.name != "seed"]
    try:
        return RunConfig(seed=config.seed, **{key: OmegaConf.to_object(config[key]) for key in keys})
    except FrozenInstanceError as error:  # from a key appended with +
        raise ConfigError(f"{str(error).replace('assign to field', 'add the key')}: there is no such setting") from None
