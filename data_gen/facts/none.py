"""No facts: the model reads biographies alone."""

from data_gen.config import FactsConfig as Config

__all__ = ["Config"]
