"""Nothing beside the run's own people."""

from data_gen.config import BesideConfig as Config

__all__ = ["Config"]
