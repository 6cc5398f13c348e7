"""Config dataclasses of a run, and the columns that they become. They import no torch, so command lines start fast."""
