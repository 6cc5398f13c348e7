"""What a world and a corpus are made from; values the user sets, checked where they are used."""

from collections.abc import Mapping
from dataclasses import dataclass, field

PAPER_POOLS: Mapping[str, int] = {
    "first_name": 400,
    "middle_name": 400,
    "last_name": 1000,
    "year": 200,
    "city": 200,
    "university": 300,
    "major": 100,
    "employer": 263,
}


@dataclass(frozen=True)
class WorldConfig:
    """N people and the pools their values come from.

    people: N. train_share: share of people whose questions may be trained on (P_train).
    pools: how many lines of each pool are used. first_person: index of the first person, so that two
    worlds of one seed can be disjoint groups. group: the word written beside every entry of this world.
    """

    people: int = 100_000
    train_share: float = 0.5
    pools: dict[str, int] = field(default_factory=lambda: dict(PAPER_POOLS))
    first_person: int = 0
    group: str = "people"


@dataclass(frozen=True)
class CorpusConfig:
    """How each person is told: the augmentation knobs (Part 3.1, section 2.2; Part 3.2, section 6).

    entries: how often the templates are drawn anew (multiM). orders: sentence orders per draw; 0 keeps
    the fixed order, P shuffles P times (permuteP). couple: shuffle pairs of sentences that stay together.
    fullname: the full name in every sentence instead of a pronoun. reverse: sentences told before the
    name is (reverseK); with all six before it, a closing sentence tells the name. fresh: new templates
    and orders at every exposure (multi-infinity). templates: how many of each attribute's templates are
    used; 0 for all. kind: templates, or folder (entries written elsewhere, read from `path`; the knobs above
    then say nothing).
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
    """What is read beside the corpus, in the same windows (Part 3.1, section 4.3).

    kind: none; celebrities (other people of the same pools, of whom every question is trained on, while nobody of
    the corpus is asked about in training), or unrelated (texts that tell of nobody, as many as the celebrities'
    entries). people: how many celebrities. entries, orders, fullname: how they are told, as in the corpus.
    """

    kind: str = "none"
    people: int = 100_000
    entries: int = 5
    orders: int = 1
    fullname: bool = False


@dataclass(frozen=True)
class QuestionConfig:
    """What is asked, and of how many.

    family: a module of data_gen.questions. held_share: share of P_train kept out of the training questions and
    asked as split `held`, so that settings are chosen on people who are neither trained on nor reported.
    tasks: names of the family's tasks, joined by `+`, or `all`. hint: `none`, or `half`: every question is
    learned with its hint and without, and a mark says which is wanted (Part 3.2, section 4). share: people of
    P_train asked about, as a share of all people; 0 asks about all of P_train. wordings: how many of a task's
    wordings are learned; the next one is kept for measuring. pairs: partners that each person is compared with
    in training. unique: refuse questions that several people answer.
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
    """Facts that link two things, told in one order and asked in both (the reversal curse, 2309.12288).

    kind: none, or a module of data_gen.facts: names (names and descriptions, experiment 1), instructions
    (experiment 3). count: facts of each subset, or question-answer pairs. paraphrases, held_out: templates a
    fact is told with, and others it is asked with. folder: where the published jsonl files of experiment 1 lie,
    which facts=names then reads instead of making facts. cure: what is added to the facts as they are told (see
    data_gen.cures). segment: longest segment in words of cure=segment. reversed: guidance tells the answer
    before the question. unexampled: pairs of which no example is shown, and which are asked.
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
