"""Part 3.1, Figure 9: a model that reads both ways restores what it has read, and cannot be asked about it."""

import pandas as pd
from matplotlib.figure import Figure

from experiments.figures import Arms, Between, Claim, Measure, Statement, judge
from experiments.figures import bidirectional_paper as paper
from experiments.figures._shared.accuracy import (
    BLUE,
    ORANGE,
    asked,
    attribute,
    attributes,
    bars,
    cells,
    mean,
    means,
    memory,
    read,
)
from experiments.figures._shared.plotting import heat, panels, titled
from physics_lm import results
from physics_lm.bootstrap import Estimate

TITLE = "Reading both ways: what of its entries a model restores, and what it can be asked about"
RESTORED = "restored"  # the task of `physics_lm.probes.bidirectional`
LEARNED = 90.0  # percent of its entries' masked attribute tokens, without which a model shows nothing
BOTH, MIXED, CAUSAL = "bidirectional", "bidirectional_mixed", "causal"
NAMED = "bidirectional_fullname_mixed"


def table(arms: Arms) -> pd.DataFrame:
    """Return a row per arm and attribute (and their mean): columns of `held_out.cells`.

    biography_tokens: of a model that reads both ways, the share of its entries' masked attribute tokens that it
    restores before any fine-tuning, whole words masked as in the paper's training.
    """
    shown = {arm: pd.concat([asked(rows), asked(rows, "train"), known(rows)]) for arm, rows in arms.items()}
    return cells(shown, paper.values)


def known(rows: pd.DataFrame) -> pd.DataFrame:
    """Return what is known of an arm's own entries, as rows of task `biography`: restored, or read in order."""
    restored = rows[rows["task"] == RESTORED]
    return restored.assign(task="biography") if len(restored) else read(rows)


def label(arm: str) -> str:
    """Return an arm's name as a reader would say it."""
    corpus = paper.CORPORA[arm.removesuffix("_mixed").removeprefix(BOTH).removeprefix(CAUSAL)].replace("_", "+")
    how = "mixed training" if arm.endswith("_mixed") else "fine-tuned"
    return f"{'both ways' if arm.startswith(BOTH) else 'one way'}, {corpus},\n{how}"


def draw(arms: Arms, found: pd.DataFrame, caption: str) -> Figure:
    """Draw held-out accuracy beside what is known of the entries, and the accuracy by attribute."""
    names = list(arms)
    chosen, colors = means(found).loc[names], [ORANGE if name.startswith(BOTH) else BLUE for name in names]
    figure, (left, middle, right) = panels(13, 1.9 + 0.62 * len(names), 3, [3, 1, 1.6])
    bars(left, chosen, [label(name) for name in names], colors)
    memory(middle, chosen, colors)
    heat(right, attributes(found, names), "ours, by attribute (%)", [""] * len(names))
    right.tick_params(axis="x", labelsize=6)
    return titled(figure, TITLE, caption)


def _tokens(arm: str) -> Measure:
    return lambda arms: results.token_accuracy(known(arms[arm]))


def _half(arms: Arms) -> Estimate:
    """Return how far the model is above half of what the causal one answers, in points."""
    halved = asked(arms[CAUSAL])
    return results.contrast(asked(arms[BOTH]), halved.assign(correct=0.5 * halved["correct"]))


def _order(arms: Arms) -> Estimate:
    rows = asked(arms[MIXED])
    return results.contrast(_one(rows, "major"), _one(rows, "employer"))


def _one(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    return rows[rows["attribute"] == name].assign(attribute="value", prompt="")


# facts A18
PROOF = (
    Statement("A18.known", "reading both ways, it restores its entries' masked attribute tokens", "not given", (BOTH,),
              _tokens(BOTH), Between(LEARNED)),
    Statement("A18.known.mixed", "and so does the one in mixed training", "not given", (MIXED,), _tokens(MIXED),
              Between(LEARNED)),
)  # fmt: skip
CLAIMS = (
    Statement("A18", "fine-tuned on questions, it answers few about others", "3.9", (BOTH,), mean(BOTH),
              Between(high=15)),
    Statement("A18.half", "less than half of what the model that reads one way does (points above half)", "-44.4",
              (BOTH, CAUSAL), _half, Between(high=0)),
    Statement("A18.mixed", "in mixed training", "31.5", (MIXED,), mean(MIXED), Between(high=55)),
    Statement("A18.date", "in mixed training with full names, the birth date", "87.0 (fine-tuned or mixed)", (NAMED,),
              attribute(NAMED, "birth_date"), Between(60)),
    Statement("A18.order", "in mixed training, majors above employers (points)", "59.8 (full names; or fine-tuned)",
              (MIXED,), _order, Between(0)),
)  # fmt: skip


def claims(arms: Arms, shows: bool, scale: str) -> list[Claim]:
    """Hold claim A18 against the rows; where a model has not learned its own entries, it carries none."""
    proof = judge(PROOF, arms, shows, scale)
    dull = {one.needs[0]: claim.ours for one, claim in zip(PROOF, proof, strict=True) if claim.holds is False}
    return [*proof, *(_judged(one, dull, arms, shows, scale) for one in CLAIMS)]


def _judged(one: Statement, dull: dict[str, float | None], arms: Arms, shows: bool, scale: str) -> Claim:
    if (arm := one.needs[0]) in dull:
        reason = f"{arm} has not learned its own entries: it restores {dull[arm]:.1f}% of their masked attribute tokens"
        return one.accept.not_carried(one.id, one.statement, one.paper, reason)
    return one.judge(arms, shows, scale)
