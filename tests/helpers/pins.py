"""A version number and the output that it stands for: a changed output needs a new number, and with it new keys."""

import hashlib
import json

import pandas as pd

from physics_lm.run import execute

ROW = ["task", "person", "attribute", "split", "prompt", "gold", "tokens"]  # what no machine computes otherwise


def pinned(module, output):
    """Return a module's version and the digest of a tiny output."""
    text = output if isinstance(output, str) else json.dumps(output)
    return module.VERSION, hashlib.sha256(text.encode()).hexdigest()[:16]


def rows(run, lab, more=()):
    """Execute a run; return the part of its probe's rows that is the same on every machine."""
    return exact(pd.read_parquet(execute(run, lab) / "rows.parquet"), more)


def exact(table, more=()):
    columns = [name for name in (*ROW, *more) if name in table]
    return [columns, table[columns].to_numpy().tolist()]


def questions(asked):
    """Return questions as plain data."""
    return [[q.task, q.person, q.attribute, q.split, q.prompt, q.gold, q.hint, q.other, q.wording] for q in asked]
