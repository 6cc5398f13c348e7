"""Questions about people, a module for each family of tasks."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Question:
    """One question: `prompt` + " " + `gold` is its text, and `gold` ends in the full stop."""

    task: str
    person: int
    attribute: str
    split: str
    prompt: str
    gold: str

    @property
    def text(self) -> str:
        """The question with its answer, as a model is trained on it."""
        return f"{self.prompt} {self.gold}"
