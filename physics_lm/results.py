"""From per-item rows to numbers with intervals: Wilson for one cell, a bootstrap over people for means.

Rows of several seeds are resampled in two stages, seeds first and then the people of each: a model trained anew moves a
number by more than other people would.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from statsmodels.stats.contingency_tables import mcnemar as _mcnemar
from statsmodels.stats.proportion import proportion_confint

from physics_lm.bootstrap import Estimate, drawn, interval, units, weights
from physics_lm.config.columns import settings_columns
from physics_lm.config.run import RunConfig
from physics_lm.store.schemas import check_schemas, check_sound

PAIRED = ["seed", "task", "split", "person", "attribute", "prompt"]  # what makes two rows the same question
ASKED = ["other", "hinted", "heldout"]  # and what some families add
APART = ["step", "position", "hinted", "heldout"]  # in which the rows of one task differ where a probe has them
EMPTY = "there are no rows to average: nothing is left of what was chosen"
EXACT = 25  # differing answers below which McNemar's test is the binomial one


class MixedArmsError(ValueError):
    """Rows would be averaged over arms that differ in a setting nobody named."""


def load(lab: Path | str = "lab", runs: str | Iterable[str] | None = None) -> pd.DataFrame:
    """Load the rows of every probe in a lab (or of some runs, by key or its beginning): one row per question asked.

    Columns: run, probe, task, person, attribute, split, prompt, gold, prediction, correct, tokens,
    tokens_correct, gold_logprob, and the arm's settings (`corpus.name`, `seed`, ...). A setting that was not
    known yet when a run was made is at its default; `other` is -1 where a question is about one person. What is
    true or false and only some probes have is `boolean`, NA elsewhere, which chooses no row. Person 3 of two seeds
    is two people: group by both. Where celebrities are read too, `own` keeps the run's own people.
    Raises FileNotFoundError where there are no rows, SchemaError where two files do not fit together or one has
    changed since it was written.
    """
    paths = _files(Path(lab) / "artifacts" / "probe", [runs] if isinstance(runs, str) else runs)
    check_schemas(paths)
    check_sound(paths)
    rows = pd.concat([pd.read_parquet(path) for path in paths], ignore_index=True)
    known = {name: value for name, value in settings_columns(RunConfig()).items() if name in rows and value is not None}
    rows = rows.fillna(known)
    if "other" in rows:
        rows["other"] = rows["other"].fillna(-1).astype(int)
    mixed = [name for name in rows.select_dtypes("object") if _truth(rows[name])]
    return rows.astype(dict.fromkeys(mixed, "boolean")).copy()  # in one piece: column by column it is slow to work with


def _files(folder: Path, runs: Iterable[str] | None) -> list[Path]:
    """Return the files of rows of all runs, or of those whose keys begin as given, in the order given."""
    there = {path.parent.name: path for path in sorted(folder.glob("*/rows.parquet"))}
    if not there or runs == []:
        raise FileNotFoundError(f"no rows under {folder}: run experiments.run or experiments.reproduce first")
    found = []
    for run in there if runs is None else runs:
        fitting = [path for key, path in there.items() if key.startswith(run)]
        if len(fitting) != 1:
            raise FileNotFoundError(f"{len(fitting)} runs under {folder} have a key that begins with {run or repr('')}")
        found += fitting
    return found


def _truth(column: pd.Series) -> bool:
    """Whether a column holds true, false and nothing else, with gaps."""
    return pd.api.types.infer_dtype(column, skipna=True) == "boolean"


def own(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows about a run's own world, without those about people who were only read beside it."""
    place = rows["person"] - rows["world.first_person"]
    return rows[(place >= 0) & (place < rows["world.people"])]


def wilson(correct: Sequence[bool] | pd.Series) -> Estimate:
    """Return the share of right answers with its Wilson interval: one attribute of one run.

    Raises ValueError where there are none.
    """
    if not len(correct):
        raise ValueError(EMPTY)
    right, total = int(np.sum(correct)), len(correct)
    low, high = proportion_confint(right, total, method="wilson")
    return Estimate(100 * right / total, 100 * low, 100 * high)


def clustered(rows: pd.DataFrame, value: str = "correct", cluster: str = "person") -> Estimate:
    """Return the mean over attributes (each weighing the same) with a bootstrap over people, and over seeds if several.

    Person i of two seeds is two people. Where all answers are right or none the bootstrap has no width: then
    Wilson's interval with the people as trials. Raises MixedArmsError where the rows are of several arms.
    """
    check_one_arm(rows)
    found = _bootstrap(*_cells(rows, value, cluster))
    if found.value not in (0, 100) or found.low < found.high:
        return found
    return wilson(rows[value].groupby(units(rows, cluster)).mean())


def _cells(rows: pd.DataFrame, value: str = "correct", cluster: str = "person") -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the sums of a column and the numbers of questions, by people and attributes."""
    if rows.empty:
        raise ValueError(EMPTY)
    cells = rows[["attribute", value]].assign(cluster=units(rows, cluster))
    sums = cells.pivot_table(index="cluster", columns="attribute", values=value, aggfunc="sum", fill_value=0)
    counts = cells.pivot_table(index="cluster", columns="attribute", values=value, aggfunc="count", fill_value=0)
    return sums, counts


def _means(sums_PxA: pd.DataFrame, counts_PxA: pd.DataFrame) -> np.ndarray:
    """Return each attribute's mean in percent, of all and then of each resample, (1 + RESAMPLES, A)."""
    weight_NxP = np.vstack([np.ones(len(sums_PxA)), drawn(sums_PxA.index)])  # the index says whose they are
    with np.errstate(invalid="ignore", divide="ignore"):
        means_NxA: np.ndarray = (weight_NxP @ sums_PxA.to_numpy(float)) / (weight_NxP @ counts_PxA.to_numpy(float))
    return 100 * means_NxA


def _bootstrap(sums_PxA: pd.DataFrame, counts_PxA: pd.DataFrame) -> Estimate:
    """Return the mean over A attributes of sums over counts."""
    value, *resampled = np.nanmean(_means(sums_PxA, counts_PxA), axis=1)
    return interval(float(value), np.array(resampled))


def contrast(first: pd.DataFrame, second: pd.DataFrame) -> Estimate:
    """Return the difference first - second of two arms' means, resampling the same people (and seeds) in both.

    Over the people and the attributes that both were asked about. Raises ValueError where there are none,
    MixedArmsError where one is several arms.
    """
    for name, part in (("first", first), ("second", second)):
        check_one_arm(part, where=f"the rows of the {name} arm")
    cells = [_cells(part) for part in (first, second)]
    who, what = (cells[0][0].axes[axis].intersection(cells[1][0].axes[axis]) for axis in (0, 1))
    if who.empty or what.empty:
        raise ValueError("the two arms share no person or no attribute: compare arms of one seed and one family")
    left, right = (_means(sums.loc[who, what], counts.loc[who, what]) for sums, counts in cells)
    value, *resampled = np.nanmean(left - right, axis=1)
    return interval(float(value), np.array(resampled))


def majority(rows: pd.DataFrame) -> float:
    """Return the accuracy in percent of always giving a world's most frequent gold, mean over attributes and seeds."""
    by = ["attribute", "seed"] if "seed" in rows else ["attribute"]
    return 100 * float(rows.groupby(by)["gold"].agg(lambda gold: gold.value_counts(normalize=True).iloc[0]).mean())


def token_accuracy(rows: pd.DataFrame) -> Estimate:
    """Return the share of right tokens in percent, with a bootstrap over people."""
    sums = rows.groupby(["seed", "person"])[["tokens_correct", "tokens"]].sum()
    sums.index = [f"{seed}/{person}" for seed, person in sums.index]
    return _bootstrap(sums[["tokens_correct"]], sums[["tokens"]])


def ratio(rows: pd.DataFrame, attribute: str) -> Estimate:
    """Return one attribute's accuracy over the mean of the others', with a bootstrap over people."""
    sums, counts = _cells(rows)
    means, place = _means(sums, counts), sums.columns.get_loc(attribute)
    value, *resampled = means[:, place] / np.maximum(np.nanmean(np.delete(means, place, axis=1), axis=1), 1e-7)
    return interval(float(value), np.array(resampled))


def settings(rows: pd.DataFrame) -> list[str]:
    """Return the columns that hold an arm's settings: `seed`, and those of a config group (`corpus.name`)."""
    return [name for name in rows.columns if name == "seed" or "." in name]


def check_one_arm(rows: pd.DataFrame, over: Iterable[str] = ("seed",), where: str = "the rows") -> None:
    """Raise MixedArmsError naming the setting in which rows differ, unless they are averaged `over` it.

    Also where two runs have all settings in common: one of them was made by another version of the lab.
    """
    names = settings(rows)
    if "run" in rows:
        kinds = rows[["run", *names]].drop_duplicates("run")
        if len(twice := kinds[kinds.duplicated(names, keep=False)]):
            raise MixedArmsError(
                f"{where} are of runs with the same settings ({', '.join(run[:12] for run in twice['run'])}), made by "
                "two versions of the lab: choose one by `run`"
            )
        rows = kinds
    for name in names:
        values = rows[name].drop_duplicates()
        if name not in over and len(values) > 1:
            shown = ", ".join(str(value) for value in values[:4])
            raise MixedArmsError(
                f"{where} differ in {name} ({shown}): name it in `by` or `over`, or choose among the rows first"
            )


def tidy(
    rows: pd.DataFrame, by: str | Sequence[str] = (), over: Iterable[str] = ("seed",), cluster: str = "person"
) -> pd.DataFrame:
    """Return a row per arm, probe, task, split and attribute, and one for the `mean` over the attributes.

    by: the settings that tell arms apart, e.g. `corpus.name`. over: settings that may be averaged over.
    Columns: those of `by`, probe, task, split, where a probe has them step, position, hinted and heldout,
    attribute, accuracy, low, high, questions, people, runs, majority (shares in percent). Intervals: Wilson for
    one attribute of one run that asks each once, and where all answers are right or none; else a bootstrap over
    people (`cluster`; both of a pair), and over seeds if several. Raises MixedArmsError.
    """
    by = [by] if isinstance(by, str) else by
    lines, keys = [], [*by, "probe", "task", "split", *(name for name in APART if name in rows)]
    for cell, part in rows.groupby(keys, sort=False, dropna=False):
        named = dict(zip(keys, cell, strict=True))
        check_one_arm(part, over, "rows of " + ", ".join(f"{key}={value}" for key, value in named.items()))
        lines.append({**named, "attribute": "mean", **_cell(part, cluster)})
        lines += [
            {**named, "attribute": name, **_cell(one, cluster)} for name, one in part.groupby("attribute", sort=False)
        ]
    return pd.DataFrame(lines)


def _cell(part: pd.DataFrame, cluster: str) -> dict[str, float]:
    found = _averaged(part, cluster)
    return {
        "accuracy": found.value, "low": float(found.low), "high": float(found.high), "questions": len(part),
        "people": units(part, cluster).nunique(), "runs": part["run"].nunique(), "majority": majority(part),
    }  # fmt: skip


def _averaged(part: pd.DataFrame, cluster: str) -> Estimate:
    people = units(part, cluster)
    if part["correct"].nunique() == 1:  # a bootstrap of equal answers has no width
        return wilson(part["correct"].groupby(people).mean())
    if cluster == "person" and "other" in part and (part["other"] >= 0).any():
        return paired(part)
    if people.duplicated().any() or part["run"].nunique() > 1:
        return _bootstrap(*_cells(part, cluster=cluster))
    return wilson(part["correct"])


def mcnemar(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Hold two arms against each other on the same questions: McNemar's test for every task and attribute.

    Columns: task, split, attribute, both, only_first, only_second, neither, p (exact where few answers
    differ; it takes the models as given, those of several seeds as one). For a mean over attributes take
    `contrast`: one person's answers are not independent. Raises MixedArmsError where an arm is several,
    ValueError where the two share no question or one asks it twice.
    """
    for name, rows in (("first", first), ("second", second)):
        check_one_arm(rows, where=f"the rows of the {name} arm")
    on = PAIRED + [name for name in ASKED if name in first and name in second]
    for rows in (first, second):
        if rows.duplicated(on).any():
            raise ValueError("an arm was asked one question twice: choose among its rows first")
    pairs = first[[*on, "correct"]].merge(second[[*on, "correct"]], on=on)
    if pairs.empty:
        raise ValueError("the two arms share no question: compare arms of one seed and one probe")
    keys = ["task", "split", "attribute"]
    groups = pairs.groupby(keys, sort=False)
    return pd.DataFrame([dict(zip(keys, cell, strict=True)) | _test(part) for cell, part in groups])


def _test(pairs: pd.DataFrame) -> dict[str, float]:
    left, right = pairs["correct_x"].astype(bool), pairs["correct_y"].astype(bool)
    both, first = int((left & right).sum()), int((left & ~right).sum())
    second, neither = int((~left & right).sum()), int((~left & ~right).sum())
    p = _mcnemar([[both, first], [second, neither]], exact=first + second < EXACT).pvalue
    return {"both": both, "only_first": first, "only_second": second, "neither": neither, "p": float(p)}


def paired(rows: pd.DataFrame, value: str = "correct") -> Estimate:
    """Return the mean over attributes of a column of questions about pairs, with a bootstrap over both people."""
    weight_NxQ = np.vstack([np.ones(len(rows)), weights(rows)])
    kind_Q, value_Q = pd.factorize(rows["attribute"])[0], rows[value].to_numpy(float)
    parts = [(weight_NxQ[:, kind_Q == kind], value_Q[kind_Q == kind]) for kind in range(kind_Q.max() + 1)]
    mean, *resampled = 100 * np.mean([part @ right / np.maximum(part.sum(1), 1e-9) for part, right in parts], axis=0)
    return interval(float(mean), np.array(resampled))
