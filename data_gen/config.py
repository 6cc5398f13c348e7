"""The settings of worlds, corpora, questions and facts. Each is checked by the module that uses it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

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
    entries: int = 5
    orders: int = 1
    couple: bool = False
    fullname: bool = False
    reverse: int = 0
    fresh: bool = False
    templates: int = 0
    kind: str = "templates"
    path: str = ""

    @property
    def entries_per_person(self) -> int:
        """Number of biography entries of one person in one epoch."""
        return self.entries * max(1, self.orders)


@dataclass(frozen=True)
class BesideConfig:
    """The auxiliary entries mixed into the corpus, in the same windows (Part 3.1, section 4.3).

    kind: `none`; `celebrities` (other people of the same pools; all their questions are trained on, and none about
    the corpus's people are), or `unrelated` (texts about nobody, as many as the celebrities would have entries).
    people: number of celebrities. entries, orders, fullname: augmentation of their entries, as in CorpusConfig.
    """

    kind: str = "none"
    people: int = 100_000
    entries: int = 5
    orders: int = 1
    fullname: bool = False


@dataclass(frozen=True)
class QuestionConfig:
    """The questions and the people that they are about.

    family: a module of data_gen.questions. held_share: share of P_train kept out of the training questions and
    used as split `held`, so that settings are chosen on people who are neither trained on nor reported.
    tasks: names of the family's tasks, joined by `+`, or `all`. hint: `none`, or `half`: every question is
    learned with its hint and without, and a mark says which is wanted (Part 3.2, section 4). share: people of
    P_train with questions, as a share of all people; 0 uses all of P_train. wordings: how many of a task's
    wordings are trained on; the next one is for evaluation only. pairs: partners that each person is compared
    with in training. unique: refuse questions that fit several people with different answers.
    """

    family: str = "extraction"
    tasks: str = "all"
    hint: str = "none"
    share: float = 0.0
    wordings: int = 2
    pairs: int = 5
    unique: bool = False
    held_share: float = 0.0


@dataclass(frozen=True)
class FactsConfig:
    """Facts that link two entities, trained on in one order and tested in both (the reversal curse, 2309.12288).

    kind: `none`, or a module of data_gen.facts: `names` (names and descriptions, experiment 1) or `instructions`
    (experiment 3). count: facts of each subset, or question-answer pairs. paraphrases, held_out: number of
    templates for training, and of further ones for testing. folder: the folder of experiment 1's published jsonl
    files, which facts=names then reads instead of sampling facts. cure: the augmentation of the training sentences
    (see data_gen.facts.cures). segment: longest segment in words of cure=segment. reversed: guidance gives the
    answer before the question. unexampled: number of pairs without an example in training, which are tested.
    """

    kind: str = "none"
    count: int = 30
    paraphrases: int = 30
    held_out: int = 10
    folder: str = ""
    cure: str = "none"
    segment: int = 12
    reversed: bool = False
    unexampled: int = 10
