"""A question with its answer, and the names of the splits."""

from dataclasses import dataclass

SPLITS = ("train", "held", "test")


@dataclass(frozen=True)
class Question:
    """One question: its text is `prompt` + " " + `completion`, and `gold` is the answer with a full stop.

    split: `train` and `held` ask about people of P_train: those trained on, and those kept for choosing settings;
    `test` asks about P_test, the people whose questions are never trained on. hint: text to be written before the
    answer, ending in a full stop, or empty. other: person id of a pair's second person, or -1. wording: index of the
    prompt among the task's. heldout: whether that wording is never trained on, for whichever person. chance: the
    majority baseline, the accuracy of always giving the task's most frequent answer, over all people. ceiling:
    accuracy of a reader who knows everything, below 1 where several people fit the question.
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
    def completion(self) -> str:
        """The training target after the prompt: the hint, if any, and the answer."""
        return f"{self.hint} {self.gold}" if self.hint else self.gold

    @property
    def text(self) -> str:
        """The prompt with its completion, as a model is trained on it."""
        return f"{self.prompt} {self.completion}"
