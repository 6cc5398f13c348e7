"""The command line's root config, registered with Hydra and turned into dataclasses once."""

import sys
from collections.abc import Callable
from dataclasses import FrozenInstanceError, dataclass, field, fields
from errno import ENOSPC
from pathlib import Path
from typing import Any, TypeVar

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING, DictConfig, OmegaConf

from data_gen.audit import AuditError
from data_gen.config import BesideConfig, ConfigError, CorpusConfig, FactsConfig, QuestionConfig, WorldConfig
from data_gen.pools import PoolError
from data_gen.sentences import TemplateError
from physics_lm import distributed
from physics_lm.config import (
    FinetuneConfig,
    ModelConfig,
    PretrainConfig,
    ProbeConfig,
    RewriteConfig,
    TokenizerConfig,
    TrackingConfig,
)
from physics_lm.pipeline import RunConfig

CONF = str(Path(__file__).resolve().parent.parent / "conf")
Result = TypeVar("Result")


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


REFUSALS = (ConfigError, AuditError, PoolError, TemplateError)
NAMED = ("DivergedError", "SchemaError")  # known by name, since their modules are slow to import


def say(error: BaseException) -> str | None:
    """Return the one line that explains an error a user can mend, or None for a defect of ours."""
    if isinstance(error, REFUSALS):
        return str(error)
    if isinstance(error, OSError) and error.errno == ENOSPC:
        return (
            f"the disk is full ({error.filename or 'while writing'}); what was complete is kept: free space, run again"
        )
    memory = isinstance(error, MemoryError) or error.__class__.__name__ == "OutOfMemoryError"
    if memory or "can't allocate memory" in str(error):
        return "out of memory: lower the batch or hydra.launcher.n_jobs, or raise hydra.launcher.memory_gb"
    if error.__class__.__name__ in NAMED:
        return str(error)
    return None


def _interrupted(error: BaseException | None) -> bool:
    """Whether it is an interrupt, or what a library made of one that came while it was cleaning up (OmegaConf does)."""
    return error is not None and (isinstance(error, KeyboardInterrupt) or _interrupted(error.__context__))


def guarded(work: Callable[[], Result]) -> Result:
    """Do the work; an error that a user can mend ends the process with one line and status 2, an interrupt with 130."""
    try:
        return work()
    except (KeyboardInterrupt, Exception) as error:
        if _interrupted(error):
            print("stopped: the same command goes on from here", file=sys.stderr)
            sys.exit(130)
        line = say(error)
        if line is None:
            raise
        if distributed.rank() == 0:
            print(f"error: {line}", file=sys.stderr)
        sys.exit(2)
