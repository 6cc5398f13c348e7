"""One job of a sweep: its overrides, its config, the run it describes, and how it is executed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from experiments.launch.config import run_config
from experiments.launch.errors import first_line, user_message
from experiments.launch.hydra_internals import compose
from experiments.launch.ledger import Entry, Ledger
from physics_lm import checks, tracking
from physics_lm.config.run import RunConfig
from physics_lm.plan import plan
from physics_lm.run import complete, execute_chain
from physics_lm.store.artifacts import Store
from physics_lm.store.chain import Chain


@dataclass(frozen=True)
class Job:
    """A run as a sweep knows it. overrides: what chooses it. chain: the specs of its stages."""

    overrides: list[str]
    config: DictConfig
    run: RunConfig
    chain: Chain

    @classmethod
    def of(cls, overrides: Sequence[str], config: DictConfig | None = None) -> "Job":
        """Read a config, composed from the overrides unless given; raises ConfigError as `checks.check` does."""
        config = compose(overrides) if config is None else config
        run = run_config(config)
        checks.check(run)
        tracking.check(OmegaConf.to_object(config.tracking))
        return cls(list(overrides), config, run, plan(run))

    @property
    def key(self) -> str:
        """The key of its rows, by which the ledger knows it."""
        return self.chain.rows.key

    @property
    def rows(self) -> Path:
        """The file of its rows, whether it is there or not."""
        return self.store.folder(self.chain.rows) / "rows.parquet"

    @property
    def complete(self) -> bool:
        """Whether its rows are there, and nothing that is there of the run is damaged."""
        return complete(self.store, self.chain)

    @property
    def store(self) -> Store:
        """The store that it writes to."""
        return Store(Path(self.config.paths.lab))

    @property
    def ledger(self) -> Ledger:
        """The ledger of its lab."""
        return Ledger(self.store.lab)

    @property
    def running(self) -> bool:
        """Whether some process is executing it."""
        entry = self.ledger.read(self.key)
        return entry is not None and self.ledger.alive(entry)

    def entry(self, sweep: str = "", state: str = "planned") -> Entry:
        """Return a new ledger entry of the job."""
        settings = OmegaConf.to_container(self.config, resolve=True)
        assert isinstance(settings, dict)
        config = {str(name): value for name, value in settings.items() if name not in ("figure", "plan", "hydra")}
        name = " ".join(item for item in self.overrides if not item.startswith(("paths.", "hydra", "figure")))
        return Entry(self.key, name, sweep, state, expected=float(self.config.scale.arm_seconds), config=config)

    def execute(self, sweep: str = "") -> str:
        """Execute the run, as part of a sweep or of none; return the key of its rows."""
        settings = OmegaConf.to_object(self.config.tracking)
        tracker = tracking.make_tracker(settings, sweep or self.key[:12], self.store.lab)
        return execute_chain(self.run, self.chain, self.store.lab, tracker).name


def execute_config(config: DictConfig) -> str:
    """Execute the run that a composed config describes; return the key of its rows."""
    return Job.of([], config).execute()


def execute_job(config: DictConfig) -> str:
    """Execute one job and write in the ledger how it stands; return an empty text, or why it failed."""
    try:
        job = Job.of([], config)
        entry = job.ledger.read(job.key) or job.entry()
        with job.ledger.running(entry):
            job.execute(entry.sweep)
    except Exception as error:
        return user_message(error) or first_line(error)
    return ""
