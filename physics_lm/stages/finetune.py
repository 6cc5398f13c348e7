"""Fine-tuning on the answers to P_train's questions, or on facts that pretraining has not read.

A run may have it twice: `prior` on extraction questions (the model M' of Part 3.2, section 4), then `finetune` on its
own. In the store both are a `finetune`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_gen import questions
from data_gen.config import QuestionConfig
from data_gen.errors import ConfigError
from physics_lm import methods, needs, objectives
from physics_lm.config.run import RunConfig
from physics_lm.config.training import FinetuneConfig, check_training
from physics_lm.stages import pretrain
from physics_lm.store import artifacts
from physics_lm.store.chain import Chain
from physics_lm.subject import Subject
from physics_lm.tracking import Tracker
from physics_lm.training import distributed

STEP = "finetune"  # in the store


@dataclass(frozen=True)
class Finetuning:
    """A use of the stage, by the section of a run with its settings.

    own: whether it is on the run's own questions, and on its facts where there are some; else on extraction questions.
    """

    NAME: str
    own: bool
    OUTPUT: str = "model"
    TRAINS: bool = True
    VERSION: int = 1

    def spec(self, config: RunConfig, chain: Chain) -> artifacts.Spec | None:
        """Return the spec of the fine-tuned model, or None where nothing is fine-tuned."""
        if (settings := self._settings(config)) is None:
            return None
        parts = {"seed": config.seed, STEP: artifacts.of_kind(methods.load(self.NAME, settings), settings)}
        if self._on_facts(config, chain):
            return artifacts.spec(STEP, self.VERSION, parts, model=chain.model, facts=chain["facts"])
        asked = self._questions(config)
        parts["questions"] = artifacts.of_kind(questions.load(asked), asked)
        return artifacts.spec(STEP, self.VERSION, parts, model=chain.model)

    def check(self, config: RunConfig) -> None:
        """Raise ConfigError where the model cannot be fine-tuned so, or there are no such questions."""
        questions.check(self._questions(config), config.world)
        method = methods.load(self.NAME, getattr(config, self.NAME))
        if (settings := self._settings(config)) is None:
            return
        check_training(self.NAME, settings)
        objective = objectives.load(self.NAME, settings)
        distributed.check(self.NAME, settings)
        method.check(self.NAME, settings, config)
        last, before = needs.last_objective(config, self.NAME)
        if not objective.BIDIRECTIONAL and objectives.load(last, before).BIDIRECTIONAL:
            raise ConfigError(
                f"{self.NAME}.objective={settings.objective}: {last}.objective={before.objective} makes a "
                f"bidirectional model; set {self.NAME}.objective={objectives.names(bidirectional=True)}"
            )

    def cost(self, config: RunConfig, usual: RunConfig) -> float:
        """Return its part of the time of the usual run, whose own fine-tuning takes what pretraining leaves."""
        settings = self._settings(config)
        assert settings is not None
        assert isinstance(usual.finetune, FinetuneConfig)
        return (1 - pretrain.SHARE) * settings.steps / usual.finetune.steps

    def make(self, subject: Subject, folder: Path, state: Path, tracker: Tracker) -> Mapping[str, Any]:
        """Write the fine-tuned model, its tokenizer and its loss curve."""
        from physics_lm.training import finetuning

        config, settings = subject.config, self._settings(subject.config)
        assert settings is not None
        before = subject.chain.before(self.NAME)
        if self._on_facts(config, before):
            return finetuning.on_facts(subject, before.model, settings, folder, state, tracker)
        asked = self._questions(config)
        return finetuning.on_questions(subject, before.model, settings, asked, folder, state, tracker)

    def _settings(self, config: RunConfig) -> FinetuneConfig | None:
        settings = getattr(config, self.NAME)
        return settings if isinstance(settings, FinetuneConfig) else None

    def _questions(self, config: RunConfig) -> QuestionConfig:
        return config.questions if self.own else QuestionConfig()

    def _on_facts(self, config: RunConfig, chain: Chain) -> bool:
        return self.own and chain.get("facts") is not None and not config.pretrain.facts


PRIOR, FINETUNE = Finetuning("prior", own=False), Finetuning("finetune", own=True)
