"""The settings of worlds, corpora, questions and facts. Each is checked by the module that uses it.

What one kind adds is in its module (data_gen.questions, data_gen.facts, data_gen.corpus.beside).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from data_gen.settings import kind, setting

PAPER_POOLS: Mapping[str, int] = {
    "first_name": 400, "middle_name": 400, "last_name": 1000, "year": 200,
    "city": 200, "university": 300, "major": 100, "employer": 263,
}  # fmt: skip


@dataclass(frozen=True)
class WorldConfig:
    """The number of people and the pools that their values come from.

    people: N. train_share: share of the people whose questions may be trained on (P_train).
    pools: how many lines of each pool are used. first_person: id of the first person, so that two worlds of
    one seed can be disjoint groups. group: the value of the column `group` in every entry of this world.
    """

    people: int = 100_000
    train_share: float = 0.5
    pools: dict[str, int] = field(default_factory=lambda: dict(PAPER_POOLS))
    first_person: int = 0
    group: str = "people"


@dataclass(frozen=True)
class CorpusConfig:
    """The augmentation of the biographies (Part 3.1, section 2.2; Part 3.2, section 6).

    entries: number of times the templates are sampled per person (multiM). orders: sentence orders per sample;
    0 keeps the fixed order, P shuffles P times (permuteP). couple: shuffle pairs of sentences that stay together.
    fullname: put the full name instead of a pronoun into every sentence. reverse: number of sentences before the
    name (reverseK); with all six before it, a closing sentence holds the name. fresh: sample new templates
    and orders at every exposure (multi-infinity). templates: how many of each attribute's templates are
    used; 0 for all. kind: `templates`, or `folder` (entries written elsewhere, read from `path`; the settings
    above are then ignored).
    """

    name: str = "multi5_permute"
    entries: int = setting(5, least=1)
    orders: int = setting(1, least=0)
    couple: bool = setting(False)
    fullname: bool = setting(False)
    reverse: int = setting(0, least=0)
    fresh: bool = setting(False)
    templates: int = setting(0, least=0)
    kind: str = setting("templates", choices=("templates", "folder"))
    path: str = setting("", content=True)

    @property
    def entries_per_person(self) -> int:
        """Number of biography entries of one person in one epoch."""
        return self.entries * max(1, self.orders)


@dataclass(frozen=True)
class BesideConfig:
    """The auxiliary entries mixed into the corpus, in the same windows (Part 3.1, section 4.3).

    kind: a module of data_gen.corpus.beside; `none` has no other setting.
    """

    kind: str = kind("none")


@dataclass(frozen=True)
class AuxiliaryConfig(BesideConfig):
    """people: number of the others. entries, orders, fullname: augmentation of their entries, as in CorpusConfig."""

    people: int = setting(100_000, least=1)
    entries: int = setting(5, least=1)
    orders: int = setting(1, least=0)
    fullname: bool = setting(False)

    @property
    def entries_per_person(self) -> int:
        """Number of entries of one of the others in one epoch."""
        return self.entries * max(1, self.orders)


@dataclass(frozen=True)
class QuestionConfig:
    """The questions and the people that they are about.

    family: a module of data_gen.questions. held_share: share of P_train kept out of the training questions and
    used as split `held`, so that settings are chosen on people who are neither trained on nor reported. share: people
    of P_train with questions, as a share of all people; 0 uses all of P_train.
    """

    family: str = kind("extraction")
    share: float = setting(0.0, least=0)
    held_share: float = setting(0.0, least=0, below=1)

    hint = "none"  # families with hints make it a setting


@dataclass(frozen=True)
class TaskConfig(QuestionConfig):
    """A family that is a table of tasks.

    tasks: names of the family's tasks, joined by `+`, or `all`. wordings: how many of a task's wordings are trained on;
    the next one is for evaluation only.
    """

    tasks: str = setting("all")
    wordings: int = setting(2, least=1)

    pairs = 5  # families of pairs make it a setting
    unique = False  # and those that ask back from values this one


@dataclass(frozen=True)
class HintConfig(TaskConfig):
    """hint: `none`, or `half`: every question is learned with its hint and without, and a mark says which is wanted."""

    hint: str = setting("none", choices=("none", "half"))


@dataclass(frozen=True)
class FactsConfig:
    """kind: a module of data_gen.facts, or none, which has no other setting."""

    kind: str = kind("none")


@dataclass(frozen=True)
class ToldFactsConfig(FactsConfig):
    """Facts that link two entities, trained on in one order and tested in both (the reversal curse, 2309.12288).

    count: facts of each subset, or question-answer pairs. paraphrases, held_out: number of templates for training, and
    of further ones for testing. cure: the augmentation of the training sentences (see data_gen.facts.cures). segment:
    longest segment in words of cure=segment. unexampled: number of question-answer pairs without an example in
    training, which are tested.
    """

    count: int = setting(30, least=2)
    paraphrases: int = setting(30, least=1)
    held_out: int = setting(10, least=1)
    cure: str = setting("none", choices=("none", "token", "word", "entity", "segment", "identity"))
    segment: int = setting(12, least=1)
    unexampled: int = setting(10)
