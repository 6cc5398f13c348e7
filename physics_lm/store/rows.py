"""The rows of a lab's probes, of whatever age, as one table."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from data_gen import kinds
from data_gen.settings import kind_key
from physics_lm.config.columns import section_columns, settings_columns
from physics_lm.config.run import KIND_PACKAGES, RunConfig
from physics_lm.store.schemas import check_digests, check_schemas


def load(lab: Path | str = "lab", runs: str | Iterable[str] | None = None) -> pd.DataFrame:
    """Load the rows of every probe in a lab, or of the runs whose keys begin with `runs`: one row per question.

    Columns: run, probe, task, person, attribute, split, prompt, gold, prediction, correct, tokens,
    tokens_correct, gold_logprob, and the arm's settings (`corpus.name`, `seed`, ...). A setting that did not exist yet
    when a run was made is at its default, and one that the run's kind of probe, model, method, facts or questions lacks
    is NA. `other` is -1 where a question is about one person. Columns of truth values
    that only some probes have are of type `boolean`, NA elsewhere, so that a filter by them selects no row of the
    other probes. Person 3 of two seeds is two people: group by both. Where a corpus holds celebrities too, `own`
    selects the run's own people.
    Raises FileNotFoundError where there are no rows, SchemaError where two files disagree about a column's type or one
    has changed since it was written.
    """
    paths = _row_files(Path(lab) / "artifacts" / "probe", [runs] if isinstance(runs, str) else runs)
    check_schemas(paths)
    check_digests(paths)
    frames = [_drop_lacking(pd.read_parquet(path)) for path in paths]
    rows = pd.concat(_same_columns(frames), ignore_index=True)
    if "other" in rows:
        rows["other"] = rows["other"].fillna(-1).astype(int)
    truth = [name for name in rows.select_dtypes("object") if pd.api.types.infer_dtype(rows[name]) == "boolean"]
    return rows.astype(dict.fromkeys(truth, "boolean")).copy()  # in one piece: column by column it is slow to work with


def settings(rows: pd.DataFrame) -> list[str]:
    """Return the columns that hold an arm's settings: `seed`, and those of a config group (`corpus.name`)."""
    return [name for name in rows.columns if name == "seed" or "." in name]


@cache
def _kind_columns(section: str, name: str) -> dict[str, Any] | None:
    """Return the settings of a kind with their defaults, as columns of a section; None for an unknown kind."""
    module = kinds.modules(KIND_PACKAGES[section]).get(name)
    if module is None:
        return None
    read = {f"{section}.{part}": None for part in getattr(module, "READ", ())}
    return read | section_columns(section, module.Config())


def _kinds_of(rows: pd.DataFrame) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each section of a run whose kind is known, with the kind's columns and their defaults."""
    plain = RunConfig()
    for section in KIND_PACKAGES:
        key = f"{section}.{kind_key(getattr(plain, section))}"
        columns = _kind_columns(section, rows[key].iloc[0]) if key in rows and len(rows) else None
        if columns is not None:
            yield section, columns


def _drop_lacking(rows: pd.DataFrame) -> pd.DataFrame:
    """Return one run's rows without settings that its kinds lack; older labs gave every run those of all kinds."""
    of_kinds, sections = dict(_kinds_of(rows)), {name: name.partition(".")[0] for name in settings(rows)}
    return rows.drop(columns=[name for name, section in sections.items() if name not in of_kinds.get(section, [name])])


def _same_columns(frames: Sequence[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """Yield the frames with the defaults of settings that only others have, where their kinds have them too.

    A whole number that some kinds lack becomes a type with NA, so that it stays whole.
    """
    everywhere = set.intersection(*(set(frame) for frame in frames))
    partial = {name for frame in frames for name in settings(frame)} - everywhere
    plain = settings_columns(RunConfig())
    for frame in frames:
        of_kinds = dict(_kinds_of(frame))
        defaults = {name: value for name, value in plain.items() if name.partition(".")[0] not in of_kinds}
        for columns in of_kinds.values():
            defaults |= columns
        added = {name: defaults[name] for name in partial if name not in frame and defaults.get(name) is not None}
        frame = frame.assign(**added)
        whole = frame[[name for name in settings(frame) if name in partial]].select_dtypes("integer").columns
        yield frame.astype(dict.fromkeys(whole, "Int64"))


def _row_files(folder: Path, runs: Iterable[str] | None) -> list[Path]:
    """Return the row files of all runs, or of the runs whose keys begin with the given texts, in their order."""
    paths = {path.parent.name: path for path in sorted(folder.glob("*/rows.parquet"))}
    if not paths or runs == []:
        raise FileNotFoundError(f"no rows under {folder}: run experiments.run or experiments.reproduce first")
    selected = []
    for run in paths if runs is None else runs:
        matches = [path for key, path in paths.items() if key.startswith(run)]
        if len(matches) != 1:
            raise FileNotFoundError(f"{len(matches)} runs under {folder} have a key that begins with {run or repr('')}")
        selected += matches
    return selected
