"""The partners that each person is compared with."""

import numpy as np

from data_gen import counter
from data_gen.config import TaskConfig
from data_gen.errors import ConfigError
from data_gen.people.world import World

TEST_PAIRS = 3  # partners that each person is compared with outside training


def partner_rows(world: World, config: TaskConfig, split: str, rows: list[int], place: int) -> list[int]:
    """Return the partners of the person `rows[place]`: different other rows of the split.

    Raises ConfigError where the split has one person only.
    """
    candidates = len(rows) - 1
    if candidates < 1:
        raise ConfigError(
            f"questions.share={config.share}: {config.family} compares two people, and {split} has one to ask about; "
            "take more people or a larger share"
        )
    count = min(config.pairs if split == "train" else TEST_PAIRS, candidates)
    stream = f"partner/{split}/{world.person_id(rows[place])}"
    steps = counter.permute(np.arange(count), candidates, world.seed, stream)
    return [rows[(place + 1 + step) % len(rows)] for step in steps.tolist()]
