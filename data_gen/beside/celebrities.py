"""Other people of the same pools; all their questions are trained on, and none about the corpus's people are."""

from dataclasses import dataclass

from data_gen.config import AuxiliaryConfig
from data_gen.settings import kind

VERSION = 1


@dataclass(frozen=True)
class Config(AuxiliaryConfig):
    """How many they are, and how they are told of."""

    kind: str = kind("celebrities")
