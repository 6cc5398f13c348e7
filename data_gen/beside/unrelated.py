"""Texts about nobody, as many as the celebrities would have entries."""

from dataclasses import dataclass

from data_gen.config import AuxiliaryConfig
from data_gen.settings import kind

VERSION = 1


@dataclass(frozen=True)
class Config(AuxiliaryConfig):
    """As many texts as so many celebrities would have."""

    kind: str = kind("unrelated")
