"""TODO data_gen.questions.question."""

from dataclasses import dataclass

SPLITS = ("train", "held", "test")


@dataclass(frozen=True)
class Question:
    """One question: `prompt` + " " + `told` is its text, and `gold` ends in the full stop.

    hint: what is to be written before the answer, ending in a full stop, or nothing. other: the second person
    of a pair. wording: which of the task's prompts. heldout: whether that prompt is never trained on. chance:
    the share of right answers for the task's most frequent answer, among all people. ceiling: the share of
    right answers for who knows everything, below 1 where several people fit the question.
    """

    task: str
    person: int
    attribute: str
    split: str
    prompt: str
    gold: str
    hint: str = ""
    other: int = -1
    wording: int = 0
    heldout: bool = False
    chance: float = 0.0
    ceiling: float = 1.0

    @property
    def told(self) -> str:
        """What is learned after the prompt: the answer, with the hint before it where there is one."""
        return f"{self.hint} {self.gold}" if self.hint else self.gold

    @property
    def text(self) -> str:
        """The question with its answer, as a model is trained on it."""
        return f"{self.prompt} {self.told}"
