"""TODO data_gen.questions.pairs."""

import numpy as np

from data_gen import counter
from data_gen.config import QuestionConfig
from data_gen.errors import ConfigError
from data_gen.people.world import World

TEST_PAIRS = 3  # partners that each person of P_test is compared with


def partners(world: World, config: QuestionConfig, split: str, rows: list[int], place: int) -> list[int]:
    """Return whom the person at `place` among the rows is compared with: other people of the split, no one twice."""
    others = len(rows) - 1
    if others < 1:
        raise ConfigError(
            f"questions.share={config.share}: {config.family} compares two people, and {split} has one to ask about; "
            "take more people or a larger share"
        )
    count = min(config.pairs if split == "train" else TEST_PAIRS, others)
    steps = counter.permute(np.arange(count), others, world.seed, f"partner/{split}/{world.person(rows[place])}")
    return [rows[(place + 1 + step) % len(rows)] for step in steps.tolist()]
