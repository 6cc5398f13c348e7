"""From the rows of probes to numbers with 95% intervals: Wilson's for one cell, a bootstrap over people for means.

Rows of several seeds are resampled in two stages, first the seeds and then the people of each (`bootstrap`).
"""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from statsmodels.stats.contingency_tables import mcnemar as _mcnemar
from statsmodels.stats.proportion import proportion_confint

from physics_lm.bootstrap import Estimate, cluster_labels, interval, resample_counts, weights
from physics_lm.store.rows import load as load
from physics_lm.store.rows import settings as settings

QUESTION_KEYS = ["seed", "task", "split", "person", "attribute", "prompt"]  # rows that agree in these ask the same
EXTRA_KEYS = ["other", "hinted", "heldout"]  # further keys, which only some question families have
VARIANTS = ["step", "position", "hinted", "heldout"]  # columns of some probes whose values are never averaged over
NO_ROWS = "there are no rows to average: the selection is empty"
EXACT_BELOW = 25  # differing answers below which McNemar's test is the exact binomial one


class MixedArmsError(ValueError):
    """Rows would be averaged over arms that differ in a setting nobody named."""


def own(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows about the people of a run's own world, without those about celebrities."""
    index = rows["person"] - rows["world.first_person"]
    return rows[(index >= 0) & (index < rows["world.people"])]


def wilson(correct: Sequence[bool] | pd.Series) -> Estimate:
    """Return the share of right answers in percent with Wilson's interval, for one attribute of one run.

    Raises ValueError where there are no answers.
    """
    if not len(correct):
        raise ValueError(NO_ROWS)
    right, total = int(np.sum(correct)), len(correct)
    low, high = proportion_confint(right, total, method="wilson")
    return Estimate(100 * right / total, 100 * low, 100 * high)


def clustered(rows: pd.DataFrame, value: str = "correct", cluster: str = "person") -> Estimate:
    """Return the unweighted mean over attributes with a bootstrap over people, and over seeds if there are several.

    Person i of two seeds is two people. Where all answers are right, or none, a bootstrap has no width: the interval is
    then Wilson's with the people as trials. Raises MixedArmsError where the rows are of several arms.
    """
    check_one_arm(rows)
    estimate = _estimate(_means(*_tabulate(rows, value, cluster)))
    if estimate.value not in (0, 100) or estimate.low < estimate.high:
        return estimate
    return wilson(rows[value].groupby(cluster_labels(rows, cluster)).mean())


def _tabulate(rows: pd.DataFrame, value: str = "correct", cluster: str = "person") -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the sums of a column and the numbers of questions, by P people and A attributes, two (P, A) tables."""
    if rows.empty:
        raise ValueError(NO_ROWS)
    cells = rows[["attribute", value]].assign(cluster=cluster_labels(rows, cluster))
    sums = cells.pivot_table(index="cluster", columns="attribute", values=value, aggfunc="sum", fill_value=0)
    return sums, cells.pivot_table(index="cluster", columns="attribute", values=value, aggfunc="count", fill_value=0)


def _means(sums_PxA: pd.DataFrame, counts_PxA: pd.DataFrame) -> np.ndarray:
    """Return each attribute's mean in percent, of all rows and then of each resample, (N = 1 + RESAMPLES, A)."""
    weight_NxP = np.vstack([np.ones(len(sums_PxA)), resample_counts(sums_PxA.index)])  # the index is `seed/person`
    with np.errstate(invalid="ignore", divide="ignore"):
        means_NxA: np.ndarray = (weight_NxP @ sums_PxA.to_numpy(float)) / (weight_NxP @ counts_PxA.to_numpy(float))
    return 100 * means_NxA


def _estimate(means_NxA: np.ndarray) -> Estimate:
    """Return the mean over A attributes: of the first row, with the interval of the others, which are resamples."""
    value, *resampled = np.nanmean(means_NxA, axis=1)
    return interval(float(value), np.array(resampled))


def contrast(first: pd.DataFrame, second: pd.DataFrame) -> Estimate:
    """Return the difference first - second of two arms' means, resampling the same people (and seeds) in both.

    Only people and attributes count that both arms were asked about. Raises ValueError where there are none,
    MixedArmsError where `first` or `second` holds several arms.
    """
    for name, rows in (("first", first), ("second", second)):
        check_one_arm(rows, where=f"the rows of the {name} arm")
    arms = [_tabulate(rows) for rows in (first, second)]
    people, attributes = (arms[0][0].axes[axis].intersection(arms[1][0].axes[axis]) for axis in (0, 1))
    if people.empty or attributes.empty:
        raise ValueError("the two arms share no person or no attribute: compare arms of one seed and one family")
    left, right = (_means(*(cells.loc[people, attributes] for cells in arm)) for arm in arms)
    return _estimate(left - right)


def majority(rows: pd.DataFrame) -> float:
    """Return the accuracy in percent of always giving a world's most frequent gold, mean over attributes and seeds."""
    by = ["attribute", "seed"] if "seed" in rows else ["attribute"]
    return 100 * float(rows.groupby(by)["gold"].agg(lambda gold: gold.value_counts(normalize=True).iloc[0]).mean())


def token_accuracy(rows: pd.DataFrame) -> Estimate:
    """Return the share of right tokens in percent, with a bootstrap over people."""
    sums = rows.groupby(["seed", "person"])[["tokens_correct", "tokens"]].sum()
    sums.index = [f"{seed}/{person}" for seed, person in sums.index]
    return _estimate(_means(sums[["tokens_correct"]], sums[["tokens"]]))


def ratio(rows: pd.DataFrame, attribute: str) -> Estimate:
    """Return one attribute's accuracy over the mean of the others', with a bootstrap over people."""
    sums, counts = _tabulate(rows)
    means_NxA, column = _means(sums, counts), sums.columns.get_loc(attribute)
    others_Nx1 = np.nanmean(np.delete(means_NxA, column, axis=1), axis=1, keepdims=True)
    return _estimate(means_NxA[:, column][:, None] / np.maximum(others_Nx1, 1e-7))


def check_one_arm(rows: pd.DataFrame, over: Iterable[str] = ("seed",), where: str = "the rows") -> None:
    """Raise MixedArmsError naming a setting in which rows differ, unless they may be averaged `over` it.

    Also raises it where two runs have the same settings: two versions of the lab made them.
    """
    names = settings(rows)
    if "run" in rows:
        rows = rows[["run", *names]].drop_duplicates("run")
        if len(twins := rows[rows.duplicated(names, keep=False)]):
            raise MixedArmsError(
                f"{where} are of runs with the same settings ({', '.join(run[:12] for run in twins['run'])}), made by "
                "two versions of the lab: choose one by `run`"
            )
    for name in names:
        values = rows[name].drop_duplicates()
        if name not in over and len(values) > 1:
            examples = ", ".join(str(value) for value in values[:4])
            raise MixedArmsError(
                f"{where} differ in {name} ({examples}): name it in `by` or `over`, or choose among the rows first"
            )


def tidy(
    rows: pd.DataFrame, by: str | Sequence[str] = (), over: Iterable[str] = ("seed",), cluster: str = "person"
) -> pd.DataFrame:
    """Return a row per arm, probe, task, split and attribute, and one for the `mean` over the attributes.

    by: the settings that tell arms apart, e.g. `corpus.name`. over: settings that may be averaged over.
    Columns: those of `by`, probe, task, split, where a probe has them step, position, hinted and heldout,
    attribute, accuracy, low, high, questions, people, runs, majority (shares in percent). Intervals are Wilson's for
    one attribute of one run that asks each person once, and where all answers are right or none; else from a bootstrap
    over people (`cluster`; both people of a pair), and over seeds if several. Raises MixedArmsError.
    """
    by = [by] if isinstance(by, str) else by
    lines, keys = [], [*by, "probe", "task", "split", *(name for name in VARIANTS if name in rows)]
    for values, group in rows.groupby(keys, sort=False, dropna=False):
        labels = dict(zip(keys, values, strict=True))
        check_one_arm(group, over, "rows of " + ", ".join(f"{key}={value}" for key, value in labels.items()))
        for attribute, cell in [("mean", group), *group.groupby("attribute", sort=False)]:
            lines.append({**labels, "attribute": attribute, **_summarize(cell, cluster)})
    return pd.DataFrame(lines)


def _summarize(cell: pd.DataFrame, cluster: str) -> dict[str, float]:
    estimate, people = _cell_accuracy(cell, cluster), cluster_labels(cell, cluster).nunique()
    return {
        "accuracy": estimate.value, "low": float(estimate.low), "high": float(estimate.high), "questions": len(cell),
        "people": people, "runs": cell["run"].nunique(), "majority": majority(cell),
    }  # fmt: skip


def _cell_accuracy(cell: pd.DataFrame, cluster: str) -> Estimate:
    people = cluster_labels(cell, cluster)
    if cell["correct"].nunique() == 1:  # a bootstrap of equal answers has no width
        return wilson(cell["correct"].groupby(people).mean())
    if cluster == "person" and "other" in cell and (cell["other"] >= 0).any():
        return paired(cell)
    if people.duplicated().any() or cell["run"].nunique() > 1:
        return _estimate(_means(*_tabulate(cell, cluster=cluster)))
    return wilson(cell["correct"])


def mcnemar(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Compare two arms on the same questions with McNemar's test, for every task, split and attribute.

    Columns: task, split, attribute, both, only_first, only_second, neither, p (exact where few answers differ; it takes
    the models as fixed, those of several seeds as one). For a mean over attributes use `contrast`: one person's answers
    are not independent. Raises MixedArmsError where `first` or `second` holds several arms, ValueError where the two
    share no question or one asks a question twice.
    """
    for name, rows in (("first", first), ("second", second)):
        check_one_arm(rows, where=f"the rows of the {name} arm")
    on = QUESTION_KEYS + [name for name in EXTRA_KEYS if name in first and name in second]
    if first.duplicated(on).any() or second.duplicated(on).any():
        raise ValueError("an arm was asked one question twice: choose among its rows first")
    answers = first[[*on, "correct"]].merge(second[[*on, "correct"]], on=on)
    if answers.empty:
        raise ValueError("the two arms share no question: compare arms of one seed and one probe")
    keys = ["task", "split", "attribute"]
    cells = answers.groupby(keys, sort=False)
    return pd.DataFrame([dict(zip(keys, values, strict=True)) | _mcnemar_counts(cell) for values, cell in cells])


def _mcnemar_counts(answers: pd.DataFrame) -> dict[str, float]:
    left, right = answers["correct_x"].astype(bool), answers["correct_y"].astype(bool)
    both, first = int((left & right).sum()), int((left & ~right).sum())
    second, neither = int((~left & right).sum()), int((~left & ~right).sum())
    p = _mcnemar([[both, first], [second, neither]], exact=first + second < EXACT_BELOW).pvalue
    return {"both": both, "only_first": first, "only_second": second, "neither": neither, "p": float(p)}


def paired(rows: pd.DataFrame, value: str = "correct") -> Estimate:
    """Return the mean over attributes of a column of questions about pairs, with a bootstrap over both people."""
    weight_NxQ = np.vstack([np.ones(len(rows)), weights(rows)])
    attribute_Q, value_Q = pd.factorize(rows["attribute"])[0], rows[value].to_numpy(float)
    cells = [attribute_Q == attribute for attribute in range(attribute_Q.max() + 1)]
    groups = [(weight_NxQ[:, cell_Q], value_Q[cell_Q]) for cell_Q in cells]
    means_AxN = [weight @ values / np.maximum(weight.sum(1), 1e-9) for weight, values in groups]
    return _estimate(100 * np.mean(means_AxN, axis=0)[:, None])
