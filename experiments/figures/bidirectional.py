"""Part 3.1, Figure 9: a bidirectional model restores masked attributes of its entries but cannot answer questions."""

import pandas as pd
from matplotlib.figure import Figure

from experiments.figures import Arms, Between, Claim, Measure, Statement, judge
from experiments.figures import bidirectional_paper as paper
from experiments.figures._shared import accuracy
from experiments.figures._shared.plotting import BLUE, ORANGE, add_title, heat_map, panels
from physics_lm import results
from physics_lm.bootstrap import Estimate

TITLE = "Reading both ways: what of its entries a model restores, and what it can be asked about"
RESTORED = "restored"  # the task of `physics_lm.probes.bidirectional`
LEARNED = 90.0  # percent of masked attribute tokens that a model must restore before its answers count
BOTH, MIXED, CAUSAL = "bidirectional", "bidirectional_mixed", "causal"
FULLNAME = "bidirectional_fullname_mixed"


def table(arms: Arms) -> pd.DataFrame:
    """Return a row per arm and attribute (and their mean) with the columns of `accuracy.table`.

    biography_tokens: for a bidirectional model, the share of its entries' masked attribute tokens that it restores
    before any fine-tuning, whole words masked as in the paper's training.
    """
    rows = {
        arm: pd.concat([accuracy.questions(rows), accuracy.questions(rows, "train"), memorised(rows)])
        for arm, rows in arms.items()
    }
    return accuracy.table(rows, paper.values)


def memorised(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the attribute values of an arm's own entries, restored or read in order, as rows of task `biography`."""
    restored = rows[rows["task"] == RESTORED]
    return restored.assign(task="biography") if len(restored) else accuracy.biographies(rows)


def label(arm: str) -> str:
    """Return an arm's label: reading direction, corpus and training."""
    corpus = paper.CORPORA[arm.removesuffix("_mixed").removeprefix(BOTH).removeprefix(CAUSAL)].replace("_", "+")
    training = "mixed training" if arm.endswith("_mixed") else "fine-tuned"
    return f"{'both ways' if arm.startswith(BOTH) else 'one way'}, {corpus},\n{training}"


def draw(arms: Arms, cells: pd.DataFrame, caption: str) -> Figure:
    """Draw held-out accuracy, the memorised attribute tokens, and the accuracy by attribute."""
    names = list(arms)
    means, colors = accuracy.mean_rows(cells).loc[names], [ORANGE if arm.startswith(BOTH) else BLUE for arm in names]
    figure, (left, middle, right) = panels(13, 1.9 + 0.62 * len(names), 3, [3, 1, 1.6])
    accuracy.bars(left, means, [label(name) for name in names], colors)
    accuracy.token_bars(middle, means, colors)
    heat_map(right, accuracy.by_attribute(cells, names), "ours, by attribute (%)", [""] * len(names))
    right.tick_params(axis="x", labelsize=6)
    return add_title(figure, TITLE, caption)


def _memorised_tokens(arm: str) -> Measure:
    return lambda arms: results.token_accuracy(memorised(arms[arm]))


def _above_half_of_causal(arms: Arms) -> Estimate:
    """Return the bidirectional model's accuracy minus half of the causal model's, in points."""
    causal = accuracy.questions(arms[CAUSAL])
    return results.contrast(accuracy.questions(arms[BOTH]), causal.assign(correct=0.5 * causal["correct"]))


def _major_minus_employer(arms: Arms) -> Estimate:
    questions = accuracy.questions(arms[MIXED])
    major, employer = (accuracy.select(questions, name).assign(attribute="value", prompt="")
                       for name in ("major", "employer"))  # fmt: skip
    return results.contrast(major, employer)


# Part 3.1, Figure 9; PRECONDITIONS: that a model has learned its entries
PRECONDITIONS = (
    Statement("A18.known", "reading both ways, it restores its entries' masked attribute tokens", "not given", (BOTH,),
              _memorised_tokens(BOTH), Between(LEARNED)),
    Statement("A18.known.mixed", "and so does the one in mixed training", "not given", (MIXED,),
              _memorised_tokens(MIXED), Between(LEARNED)),
)  # fmt: skip
CLAIMS = (
    accuracy.mean_statement("A18", "fine-tuned on questions, it answers few about others", "3.9", BOTH,
                            Between(high=15)),
    Statement("A18.half", "less than half of what the model that reads one way does (points above half)", "-44.4",
              (BOTH, CAUSAL), _above_half_of_causal, Between(high=0)),
    accuracy.mean_statement("A18.mixed", "in mixed training", "31.5", MIXED, Between(high=55)),
    Statement("A18.date", "in mixed training with full names, the birth date", "87.0 (fine-tuned or mixed)",
              (FULLNAME,), accuracy.attribute(FULLNAME, "birth_date"), Between(60)),
    Statement("A18.order", "in mixed training, majors above employers (points)", "59.8 (full names; or fine-tuned)",
              (MIXED,), _major_minus_employer, Between(0)),
)  # fmt: skip


def claims(arms: Arms, shows: bool, scale: str) -> list[Claim]:
    """Return claim A18, judged by the rows; unjudged for a model that has not learned its own entries."""
    learned = judge(PRECONDITIONS, arms, shows, scale)
    pairs = zip(PRECONDITIONS, learned, strict=True)
    restored = {statement.needs[0]: claim.ours for statement, claim in pairs if claim.holds is False}
    judged = [_unlearned(statement, restored) or statement.judge(arms, shows, scale) for statement in CLAIMS]
    return [*learned, *judged]


def _unlearned(statement: Statement, restored: dict[str, float | None]) -> Claim | None:
    """Return the claim unjudged where its arm is one of those that restore too little (restored: percent by arm)."""
    if (arm := statement.needs[0]) not in restored:
        return None
    reason = f"{arm} has not learned its own entries: it restores {restored[arm]:.1f}% of their masked attribute tokens"
    return statement.accept.unjudged(statement.id, statement.statement, statement.paper, reason)
