"""Estimates and their intervals, and the loading of rows."""

import shutil
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, chi2
from statsmodels.stats.proportion import proportion_confint

from physics_lm import bootstrap, results
from physics_lm.store import schemas


def table(correct_PxA, seed=0, **columns):
    people, attributes = correct_PxA.shape
    cells = [(p, f"a{a}", bool(correct_PxA[p, a])) for p in range(people) for a in range(attributes)]
    frame = pd.DataFrame(cells, columns=["person", "attribute", "correct"])
    return frame.assign(seed=seed, **columns)


def draws(people=400, attributes=6, share=0.4, seed=0):
    return np.random.default_rng(seed).random((people, attributes)) < share


@pytest.mark.parametrize(("right", "total"), [(0, 7), (3, 7), (7, 7), (123, 1000)])
def test_wilson_is_statsmodels(right, total):
    estimate = results.wilson([True] * right + [False] * (total - right))
    low, high = proportion_confint(right, total, method="wilson")
    assert (estimate.value, estimate.low, estimate.high) == pytest.approx((100 * right / total, 100 * low, 100 * high))


def test_the_clustered_interval_is_the_analytic_one_on_independent_answers():
    estimate = results.clustered(table(draws()))
    low, high = proportion_confint(int(draws().sum()), draws().size, method="normal")
    assert estimate.value == pytest.approx(100 * draws().mean())
    assert estimate.low == pytest.approx(100 * low, abs=0.5)
    assert estimate.high == pytest.approx(100 * high, abs=0.5)


def test_the_clustered_interval_covers_the_truth_about_as_often_as_it_says():
    estimates = [results.clustered(table(draws(80, 4, seed=seed))) for seed in range(60)]
    covered = np.mean([estimate.low <= 40 <= estimate.high for estimate in estimates])
    assert 0.87 <= covered <= 1.0


def test_identical_answers_of_a_person_widen_the_interval():
    same = np.repeat(draws(attributes=1), 6, axis=1)
    clustered, naive = results.clustered(table(same)), results.wilson(table(same)["correct"])
    assert clustered.value == pytest.approx(naive.value)
    assert clustered.high - clustered.low > 2 * (naive.high - naive.low)


def test_every_attribute_weighs_the_same():
    rows = pd.concat([table(np.ones((100, 1))), table(np.zeros((10, 1))).assign(attribute="a1")])
    assert results.clustered(rows).value == pytest.approx(50)


def test_person_i_of_two_seeds_is_two_people():
    one_seed = results.clustered(table(draws()))
    two_seeds = results.clustered(pd.concat([table(draws(seed=0), seed=0), table(draws(seed=1), seed=1)]))
    width = one_seed.high - one_seed.low
    assert width / np.sqrt(2) < two_seeds.high - two_seeds.low < width


def test_an_interval_over_seeds_covers_what_models_differ_in():
    """Each seed's model answers a share of its own; the interval is about the mean over all seeds there could be."""
    rng, covered, covered_by_pooled = np.random.default_rng(0), 0, 0
    for _ in range(50):
        shares = rng.normal(0.5, 0.1, 6)
        rows = pd.concat([table(rng.random((200, 3)) < share, seed=seed) for seed, share in enumerate(shares)])
        estimate = results.clustered(rows)
        pooled = results.clustered(rows.assign(person=rows["person"] + 1000 * rows["seed"], seed=0))
        covered += estimate.low <= 50 <= estimate.high
        covered_by_pooled += pooled.low <= 50 <= pooled.high
    assert covered >= 40
    assert covered_by_pooled < 30


def test_with_one_seed_only_people_are_resampled():
    labels = [f"7/{person}" for person in range(9)]
    expected = np.random.default_rng(0).multinomial(9, np.full(9, 1 / 9), bootstrap.RESAMPLES)
    assert np.array_equal(bootstrap.resample_counts(labels), expected)


def test_with_several_seeds_as_many_are_drawn_and_as_many_people_of_each():
    seeds = np.array([0] * 4 + [10] * 5 + [1] * 4)
    weight = bootstrap.resample_counts([f"{seed}/{person}" for person, seed in enumerate(seeds)])
    times = np.stack([weight[:, seeds == seed].sum(1) / (seeds == seed).sum() for seed in (0, 10, 1)])
    assert (times.sum(0) == 3).all()
    assert set(np.unique(times)) == {0, 1, 2, 3}


def test_a_contrast_pairs_people():
    first = draws()
    second = first.copy()
    second[:, 0] = False
    paired = results.contrast(table(first), table(second))
    assert paired.value == pytest.approx(100 * (first.mean() - second.mean()))
    unpaired = results.clustered(table(first))
    assert paired.high - paired.low < 0.5 * np.sqrt(2) * (unpaired.high - unpaired.low)
    assert results.contrast(table(first), table(first)) == bootstrap.Estimate(0, 0, 0)


def test_a_contrast_does_not_care_about_the_order_of_rows():
    first, second = table(draws(seed=1)), table(draws(seed=2))
    assert results.contrast(first, second.sample(frac=1, random_state=0)) == results.contrast(first, second)


def test_a_contrast_compares_a_seed_with_itself():
    ones, zeros = np.ones((20, 2)), np.zeros((20, 2))
    first = pd.concat([table(ones, seed=0), table(zeros, seed=1)])
    second = pd.concat([table(zeros, seed=1), table(ones, seed=0)])
    assert results.contrast(first, second) == bootstrap.Estimate(0, 0, 0)


def test_a_contrast_is_the_difference_of_the_means_where_people_lack_attributes():
    rng = np.random.default_rng(3)
    has_question = rng.random(400 * 6) < 0.4
    first, second = table(draws(share=0.7))[has_question], table(draws(seed=1, share=0.2))[has_question]
    difference = results.clustered(first).value - results.clustered(second).value
    assert results.contrast(first, second).value == pytest.approx(difference)
    assert np.isfinite(results.ratio(first, "a0").value)


def test_empty_selections_raise():
    rows = table(draws())
    with pytest.raises(ValueError, match="no rows"):
        results.clustered(rows[rows["person"] < 0])
    with pytest.raises(ValueError, match="share no person"):
        results.contrast(rows, rows.assign(seed=5))


def test_majority_is_the_mean_share_of_the_most_frequent_gold():
    rows = table(np.ones((10, 2)))
    rows["gold"] = [
        "x" if (person < 7 or name == "a1") else "y"
        for person, name in zip(rows["person"], rows["attribute"], strict=True)
    ]
    assert results.majority(rows) == pytest.approx((70 + 100) / 2)


def test_of_several_seeds_each_world_has_its_own_most_frequent_gold():
    golds = {1: ["a"] * 6 + ["b"] * 4, 2: ["b"] * 8 + ["a"] * 2}
    rows = pd.DataFrame([("major", seed, gold) for seed, values in golds.items() for gold in values])
    assert results.majority(rows.set_axis(["attribute", "seed", "gold"], axis=1)) == pytest.approx((60 + 80) / 2)


def test_token_accuracy_weighs_tokens():
    rows = pd.DataFrame({"person": [0, 1], "seed": 0, "tokens": [1, 9], "tokens_correct": [1, 0]})
    assert results.token_accuracy(rows).value == pytest.approx(10)


def test_a_ratio_is_over_the_mean_of_the_others():
    correct = np.zeros((100, 3))
    correct[:90, 0] = correct[:40, 1] = correct[:20, 2] = 1
    estimate = results.ratio(table(correct), "a0")
    assert estimate.value == pytest.approx(90 / 30)
    assert estimate.low < 3 < estimate.high


def test_intervals_are_the_same_every_time():
    assert results.clustered(table(draws())) == results.clustered(table(draws()))


def test_load_reads_every_run_of_a_lab_or_the_chosen_ones(tmp_path):
    for key in ("b", "a"):
        folder = tmp_path / "artifacts" / "probe" / key
        folder.mkdir(parents=True)
        pd.DataFrame({"run": [key] * 2}).to_parquet(folder / "rows.parquet")
    assert results.load(tmp_path)["run"].tolist() == ["a", "a", "b", "b"]
    assert results.load(str(tmp_path), ["b"])["run"].tolist() == ["b", "b"]
    assert results.load(tmp_path, "a")["run"].tolist() == ["a", "a"]
    with pytest.raises(FileNotFoundError, match="0 runs under .* begins with nothing"):
        results.load(tmp_path, ["nothing"])
    with pytest.raises(FileNotFoundError, match="2 runs under"):
        results.load(tmp_path, "")


def test_a_runs_own_people_are_those_of_its_world():
    rows = pd.DataFrame({"person": [4, 5, 8, 9, 1005], "world.first_person": 5, "world.people": 4})
    assert results.own(rows)["person"].tolist() == [5, 8]


def test_a_filter_by_a_column_that_only_some_probes_have_selects_no_row_of_the_others(tmp_path):
    for key, more in (("a", {"heldout": [True, False]}), ("b", {})):
        folder = tmp_path / "artifacts" / "probe" / key
        folder.mkdir(parents=True)
        pd.DataFrame({"run": [key] * 2, "correct": [True, False], **more}).to_parquet(folder / "rows.parquet")
    rows = results.load(tmp_path)
    assert rows[~rows.heldout]["run"].tolist() == ["a"]
    assert rows[rows.heldout & rows.correct]["run"].tolist() == ["a"]
    assert len(rows.query("run == 'a' and not heldout")) == 1
    assert rows.correct.dtype == bool


def test_load_of_an_empty_lab_names_the_commands_that_fill_it(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"experiments\.run"):
        results.load(tmp_path)


def arm(correct_PxA, name, seed=0, **columns):
    rows = table(
        correct_PxA, seed, probe="extraction", task="extraction", split="test", run=f"{name}-{seed}-{columns}", gold="x"
    )
    rows["prompt"] = rows["person"].astype(str) + rows["attribute"]
    return rows.assign(**{"corpus.name": name, **columns})


def test_a_tidy_table_has_a_row_for_each_arm_attribute_and_mean():
    single, multi = draws(share=0.2), draws(share=0.7, seed=1)
    lines = results.tidy(pd.concat([arm(single, "single"), arm(multi, "multi5")]), by=["corpus.name"])
    cells = lines.set_index(["corpus.name", "attribute"])
    assert len(lines) == 2 * 7
    assert cells.loc[("single", "mean"), "accuracy"] == pytest.approx(100 * single.mean())
    cell, wilson = cells.loc[("multi5", "a3")], results.wilson(multi[:, 3])
    assert (cell.accuracy, cell.low, cell.high) == pytest.approx((wilson.value, wilson.low, wilson.high))
    assert (cell.questions, cell.people, cell.runs, cell.majority) == (400, 400, 1, 100)


def test_nothing_is_averaged_over_arms_that_differ_in_an_unnamed_key():
    rows = pd.concat([arm(draws(), "single"), arm(draws(), "single", **{"pretrain.steps": 5})]).fillna(9)
    with pytest.raises(results.MixedArmsError, match=r"pretrain\.steps \(9.*, 5"):
        results.tidy(rows, by=["corpus.name"])
    assert len(results.tidy(rows, by=["corpus.name", "pretrain.steps"])) == 14
    assert results.tidy(rows, by="corpus.name", over=["seed", "pretrain.steps"])["runs"].max() == 2
    for average in (
        results.clustered,
        lambda mixed: results.contrast(mixed, rows),
        lambda mixed: results.contrast(rows, mixed),
    ):
        with pytest.raises(results.MixedArmsError, match=r"pretrain\.steps"):
            average(rows)


def test_two_runs_with_the_same_settings_are_of_two_versions_and_never_averaged():
    first = arm(draws(), "single")
    rows = pd.concat([first, first.assign(run="later")])
    for average in (results.tidy, results.clustered):
        with pytest.raises(results.MixedArmsError, match=r"same settings \(single.*later\).*choose one by `run`"):
            average(rows)
    assert len(results.tidy(first)) == 7


def test_a_mean_of_equal_answers_has_an_interval_of_the_people():
    right = table(np.ones((40, 6)))
    assert results.clustered(right) == results.wilson([True] * 40)
    assert results.clustered(right.assign(correct=0)) == results.wilson([False] * 40)


def test_a_tidy_table_of_pairs_resamples_both_people():
    rng = np.random.default_rng(3)
    first, second = np.repeat(np.arange(30), 20), rng.integers(0, 30, 600)
    known = rng.random(30) < 0.5
    rows = arm(np.ones((600, 1)), "multi5").assign(person=first, other=second, correct=known[second])
    (line,) = results.tidy(rows).query("attribute == 'mean'").itertuples()
    assert (line.accuracy, line.low, line.high) == pytest.approx(tuple(asdict(results.paired(rows)).values()))
    assert line.high - line.low > 3 * (results.wilson(rows["correct"]).high - results.wilson(rows["correct"]).low)
    seeds = pd.concat([arm(draws(), "single"), arm(draws(seed=1), "single", seed=1)])
    assert set(results.tidy(seeds)["runs"]) == {2}
    with pytest.raises(results.MixedArmsError, match="seed"):
        results.tidy(seeds, over=[])


def test_mcnemar_pairs_the_same_questions():
    first, second = np.zeros((40, 1)), np.zeros((40, 1))
    first[:20], second[:12], second[20:22] = 1, 1, 1
    counts = results.mcnemar(arm(first, "multi5"), arm(second, "single").sample(frac=1, random_state=0))
    (line,) = counts.to_dict("records")
    assert [line[name] for name in ("both", "only_first", "only_second", "neither")] == [12, 8, 2, 18]
    assert line["p"] == pytest.approx(2 * binom.cdf(2, 10, 0.5))
    many = results.mcnemar(arm(np.ones((100, 1)), "multi5"), arm(np.zeros((100, 1)), "single"))
    assert many["p"].iloc[0] == pytest.approx(chi2.sf((100 - 1) ** 2 / 100, 1))


def test_mcnemar_refuses_arms_that_are_several_or_share_nothing():
    rows = arm(draws(), "single")
    with pytest.raises(results.MixedArmsError, match="second arm"):
        results.mcnemar(rows, pd.concat([rows, arm(draws(), "multi5")]))
    with pytest.raises(ValueError, match="one question twice"):
        results.mcnemar(rows, pd.concat([rows, rows]))
    with pytest.raises(ValueError, match="share no question"):
        results.mcnemar(rows, arm(draws(), "single", seed=3))


def stored(lab, key, **columns):
    folder = lab / "artifacts" / "probe" / key
    folder.mkdir(parents=True)
    pd.DataFrame({"run": [key], **{name: [value] for name, value in columns.items()}}).to_parquet(
        folder / "rows.parquet"
    )


def test_rows_older_than_a_setting_have_its_default(tmp_path):
    stored(tmp_path, "old", correct=True)
    stored(tmp_path, "new", correct=True, **{"pretrain.shuffle": False, "corpus.name": "single"})
    rows = results.load(tmp_path).set_index("run")
    assert not rows.loc["new", "pretrain.shuffle"]
    assert rows.loc["old", "pretrain.shuffle"]
    assert rows.loc["old", "corpus.name"] == "multi5_permute"


OLDER = {  # what older labs wrote beside every row, whatever its kinds
    "probe.steps": 30_000, "probe.rank": 2, "probe.shared": False, "finetune.rank": 8, "finetune.embedding_rank": 16,
    "model.sharing": 1, "questions.pairs": 5, "questions.hint": "none", "prior.steps": 6, "facts.count": 4,
    "facts.folder": "",
}  # fmt: skip


def test_rows_of_an_older_lab_lose_the_settings_that_their_kinds_lack_and_average_with_new_ones(lab, tmp_path):
    rows = pd.read_parquet(lab.folder("probe") / "rows.parquet")
    old = rows.drop(columns="corpus.path").assign(**OLDER)
    learned = old.assign(seed=0, run="c", probe="q_probe", **{"probe.kind": "q_probe", "probe.rank": 16})
    for key, table_rows in (("a", old), ("b", rows.assign(seed=1, run="b")), ("c", learned)):
        (tmp_path / "artifacts" / "probe" / key).mkdir(parents=True)
        table_rows.assign(run=key).to_parquet(tmp_path / "artifacts" / "probe" / key / "rows.parquet")
    loaded = results.load(tmp_path)
    assert {name for name in OLDER if name in loaded} == {"probe.steps", "probe.rank", "probe.shared"}
    extraction = loaded[loaded["probe"] == "extraction"]
    assert extraction["probe.rank"].isna().all()
    assert set(loaded.loc[loaded["probe"] == "q_probe", "probe.rank"]) == {16}
    assert loaded["probe.rank"].dtype == "Int64"
    assert set(results.tidy(extraction, "corpus.name")["runs"]) == {2}


def test_incompatible_schemas_raise_one_line_and_leave_the_files(tmp_path):
    stored(tmp_path, "a", correct=True, person=1)
    stored(tmp_path, "b", correct="yes", person=1.5)
    with pytest.raises(schemas.SchemaError, match="column correct is boolean in .*a.* and text in .*b") as raised:
        results.load(tmp_path)
    assert "\n" not in str(raised.value)
    assert len(results.load(tmp_path, ["b"])) == 1
    stored(tmp_path, "c", correct=True, person=1.5)
    assert results.load(tmp_path, ["a", "c"])["person"].tolist() == [1, 1.5]  # both are numbers
    (tmp_path / "artifacts" / "probe" / "a" / "rows.parquet").write_text("no")
    with pytest.raises(schemas.SchemaError, match="not a parquet file"):
        results.load(tmp_path)


def pairs_of(people, partners, right, seed=0):
    """Return a row per pair, right(person, other) saying which are right."""
    pairs = [(a, (a + step) % people) for a in range(people) for step in range(1, partners + 1)]
    return pd.DataFrame(
        [{"person": a, "other": b, "seed": seed, "attribute": "x", "correct": right(a, b)} for a, b in pairs]
    )


def test_an_interval_of_pairs_is_as_wide_as_both_people_make_it():
    """Right where both people are known: the interval covers, and is wider than if pairs were independent."""
    rng = np.random.default_rng(0)
    covered, widths = 0, []
    for _ in range(60):
        known = rng.random(60) < 0.7
        estimate = results.paired(pairs_of(60, 10, lambda a, b, known=known: bool(known[a] and known[b])))
        covered += estimate.low <= 49 <= estimate.high
        widths.append(estimate.high - estimate.low)
    assert covered >= 50
    naive = 2 * 1.96 * 100 * np.sqrt(0.49 * 0.51 / 600)
    assert np.mean(widths) > 1.5 * naive


def test_people_of_two_seeds_are_two_people_and_singles_count_once():
    rows = pd.concat([pairs_of(30, 2, lambda a, b: a % 2 == 0, seed) for seed in (0, 1)], ignore_index=True)
    assert results.paired(rows).value == 50
    singles = rows.assign(other=-1)
    weight = bootstrap.weights(singles)
    assert weight.shape == (bootstrap.RESAMPLES, 120)
    assert (weight.sum(1) == 2 * 60).all()
    both = bootstrap.weights(rows)
    assert both.sum(1).mean() == pytest.approx(120, rel=0.1)
    assert not np.array_equal(both.sum(1), weight.sum(1))


def test_pairs_are_known_among_rows_about_one_person(tmp_path):
    """A table of several probes gives a missing partner, and with it every partner, as a float."""
    rows = pairs_of(20, 5, lambda a, b: a > b)
    singles = arm(draws(3), "single").drop(columns="other", errors="ignore")
    for number, table_rows in enumerate((rows.assign(run="0"), singles.assign(run="1"))):
        folder = tmp_path / "artifacts" / "probe" / str(number)
        folder.mkdir(parents=True)
        table_rows.to_parquet(folder / "rows.parquet")
    loaded = results.load(tmp_path)
    assert results.paired(loaded[loaded["other"] >= 0]) == results.paired(rows)


def test_rows_that_changed_since_they_were_written_are_not_read(lab, tmp_path):
    shutil.copytree(lab.path, tmp_path / "lab")
    (path,) = (tmp_path / "lab").glob("artifacts/probe/*/rows.parquet")
    rows = pd.read_parquet(path)
    rows.assign(gold_logprob=rows["gold_logprob"] + 1).to_parquet(path)
    with pytest.raises(schemas.SchemaError, match="has changed"):
        results.load(tmp_path / "lab")


def test_tidy_has_a_row_per_step_of_a_probe():
    steps = pd.concat([arm(np.zeros((20, 2)), "single").assign(step=1), arm(np.ones((20, 2)), "single").assign(step=2)])
    means = results.tidy(steps).query("attribute == 'mean'")
    assert means.set_index("step")["accuracy"].to_dict() == {1: 0, 2: 100}
    assert means["high"].iloc[0] > 10  # none right of twenty people is no certainty
    assert means["low"].iloc[1] < 90


def test_tidy_counts_a_person_with_several_questions_once():
    same = pd.concat([arm(draws(60, 1), "single").assign(wording=wording) for wording in range(8)])
    cell = results.tidy(same).query("attribute == 'a0'").iloc[0]
    single = results.wilson(arm(draws(60, 1), "single")["correct"])
    assert cell["high"] - cell["low"] == pytest.approx(single.high - single.low, rel=0.2)
    two = pd.concat([arm(draws(60, 1), "single", seed=seed) for seed in (0, 1)])
    assert results.tidy(two)["people"].unique() == [120]
