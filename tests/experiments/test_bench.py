"""The benchmarks' bookkeeping, and that both sides of each do the same work; no timing is asserted."""

import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import nullcontext, suppress
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from small_worlds import small_world
from transformers import AutoModelForCausalLM

from data_gen.errors import ConfigError
from experiments import bench, benchmarks
from experiments.benchmarks import Row, apart, evaluation, interleaved, probes
from physics_lm.data import encoding, tokenizers
from physics_lm.inference import exact_match


@pytest.mark.parametrize(
    ("ours", "rival", "rival_name", "better", "target", "ratio", "holds"),
    [
        (40.0, 2.0, "r", "higher", 20, 20.0, True),
        (38.0, 2.0, "r", "higher", 20, 19.0, False),
        (1.0, None, "", "lower", 1.5, None, True),
        (1.6, None, "", "lower", 1.5, None, False),
        (None, None, "r", "higher", 5, None, None),
        (3.0, 2.0, "r", "higher", None, 1.5, None),
    ],
)
def test_a_target_is_on_the_ratio_where_there_is_a_rival(ours, rival, rival_name, better, target, ratio, holds):
    row = Row("x", "s", ours, rival, rival_name, better, target, "cpu")
    assert (row.ratio, row.holds) == (ratio, holds)


def test_contenders_take_turns_and_the_median_is_kept():
    asked = []
    measures = {"a": iter([1.0, 9.0, 2.0]), "b": iter([5.0, 4.0, 6.0])}

    def contender(name):
        return lambda: (asked.append(name), next(measures[name]))[1]

    assert interleaved({name: contender(name) for name in measures}, 3) == {"a": 2.0, "b": 5.0}
    assert asked == ["a", "b", "b", "a", "a", "b"]


def test_contenders_apart_have_a_process_each():
    with apart(dict.fromkeys("ab", partial(partial, os.getpid))) as made:
        first, second, again = made["a"](), made["b"](), made["a"]()
    assert first == again
    assert len({os.getpid(), int(first), int(second)}) == 3
    with apart({"c": partial(int, "no number")}) as made, pytest.raises(RuntimeError, match="has ended"):
        made["c"]()


def running(process):
    with suppress(OSError):
        return "\nState:\tZ" not in (process / "status").read_text()
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_killed_benchmark_leaves_no_contender_behind():
    script = """
import os, time
from functools import partial
from experiments.benchmarks import apart
with apart({"a": partial(partial, os.getpid)}) as made:
    print(int(made["a"]()), flush=True)
    time.sleep(600)
"""
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    child = Path("/proc", parent.stdout.readline().strip())
    assert running(child)
    parent.kill()
    parent.wait()
    late = time.monotonic() + 30
    while running(child) and time.monotonic() < late:
        time.sleep(0.1)
    assert not running(child)


class Fake:
    def __init__(self, name):
        self.name = name

    def rows(self, cuda):
        yield Row(f"{self.name}_cpu", "s", 1.0, None, "", "lower", 2, "cpu")
        yield Row(f"{self.name}_gpu", "s", None, None, "other", "higher", 5, "gpu")


def test_one_benchmark_leaves_the_others_rows(tmp_path, monkeypatch):
    monkeypatch.setattr(benchmarks, "names", lambda: ["one", "two"])
    monkeypatch.setattr(benchmarks, "benchmark", Fake)
    bench.bench("", tmp_path)
    rows = json.loads(bench.bench("two", tmp_path).read_text())["rows"]
    assert [row["name"] for row in rows] == ["one_cpu", "one_gpu", "two_cpu", "two_gpu"]
    assert set(bench.COLUMNS) <= set(rows[0])
    page = (tmp_path / "benchmarks.md").read_text()
    for word in ("one_gpu", "`python -m experiments.bench only=two`", rows[0]["versions"], rows[0]["hardware"]):
        assert word in page


def test_a_checkout_brings_the_rows_that_its_table_was_written_from(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(benchmarks, "names", lambda: ["one", "two"])
    monkeypatch.setattr(benchmarks, "benchmark", Fake)
    bench.bench("", Path("lab"))
    page = Path("docs", "benchmarks.md").read_text()
    shutil.rmtree("lab")  # git ignores it: a fresh clone has docs/ alone
    rows = json.loads(bench.bench("two", Path("lab")).read_text())["rows"]
    assert [row["name"] for row in rows] == ["one_cpu", "one_gpu", "two_cpu", "two_gpu"]
    assert Path("docs", "benchmarks.md").read_text() == page
    elsewhere = json.loads(bench.bench("one", Path("other")).read_text())["rows"]
    assert [row["name"] for row in elsewhere] == ["one_cpu", "one_gpu"]
    assert Path("docs", "benchmarks.md").read_text() == page


def test_a_benchmark_that_fails_leaves_its_old_rows_and_the_new_ones_before_it(tmp_path, monkeypatch):
    class Broken(Fake):
        def rows(self, cuda):
            yield Row(f"{self.name}_cpu", "s", 3.0, None, "", "lower", 2, "cpu")
            if self.name == "two":
                raise KeyboardInterrupt

    monkeypatch.setattr(benchmarks, "names", lambda: ["one", "two", "three"])
    monkeypatch.setattr(benchmarks, "benchmark", Fake)
    path = bench.bench("", tmp_path)
    monkeypatch.setattr(benchmarks, "benchmark", Broken)
    with pytest.raises(KeyboardInterrupt):
        bench.bench("", tmp_path)
    rows = {row["name"]: row["ours"] for row in json.loads(path.read_text())["rows"]}
    assert (rows["one_cpu"], rows["two_cpu"], rows["three_cpu"]) == (3.0, 1.0, 1.0)


def test_a_gpus_rows_and_a_cpus_outlive_each_other(tmp_path, monkeypatch):
    class Both:
        def rows(self, cuda):
            if not cuda:
                yield Row("slow", "s", 1.0, None, "", "lower", 2, "cpu")
            yield Row("fast", "s", 0.1 if cuda else None, None, "", "lower", 2, "gpu")

    monkeypatch.setattr(benchmarks, "names", lambda: ["both"])
    monkeypatch.setattr(benchmarks, "benchmark", lambda name: Both())
    monkeypatch.setattr(bench, "machine", lambda: {"made": "", "versions": "", "hardware": ""})
    for cuda in (False, True, False, True):
        monkeypatch.setattr(torch.cuda, "is_available", lambda cuda=cuda: cuda)
        rows = json.loads(bench.bench("both", tmp_path).read_text())["rows"]
        found = {row["name"]: row["ours"] for row in rows}
        assert found == {"slow": 1.0, "fast": found["fast"]}
    assert found["fast"] == 0.1
    assert [row["name"] for row in rows] == ["slow", "fast"]


def test_an_unknown_benchmark_is_refused_before_any_work(tmp_path):
    with pytest.raises(ConfigError, match="only=nonsense"):
        bench.bench("nonsense", tmp_path / "lab")
    assert not (tmp_path / "lab").exists()


def test_either_evaluation_finds_the_same_answers_right(lab):
    model = AutoModelForCausalLM.from_pretrained(lab.folder("finetune"), dtype=torch.float32)
    tokenizer = tokenizers.load(lab.folder("finetune"))
    scores = exact_match.score(model, tokenizer, encoding.encode(tokenizer, lab.questions), 16)
    assert evaluation.generated(model, tokenizer, lab.questions, 16) == [score.correct for score in scores]


def test_both_corpus_routes_tell_the_same_tokens(monkeypatch):
    from experiments.benchmarks import corpus

    monkeypatch.setattr(corpus, "SAMPLE", 20)
    made = small_world(people=20)
    trained = corpus.tokenizer(made)
    assembler = corpus.entry_tokens.EntryAssembler(made, corpus.CORPUS, trained)
    drawn = corpus.recipes.draw(made, corpus.CORPUS, rows=np.arange(20))
    texts = [entry.text for entry in corpus.rendering.render(made, corpus.CORPUS, drawn)]
    ids = [entry.ids for entry in trained.backend_tokenizer.encode_batch_fast(texts, add_special_tokens=False)]
    flat = [token for part in ids for token in (*part, trained.eos_token_id)]
    assert assembler.epoch().sequences.flat.tolist() == flat


def test_the_rate_of_fresh_entries_counts_what_a_device_draws(monkeypatch):
    from experiments.benchmarks import corpus

    monkeypatch.setattr(corpus, "SAMPLE", 20)
    ticks = iter([0.0, 2.0])
    monkeypatch.setattr(corpus.time, "perf_counter", lambda: next(ticks))
    made = small_world(people=20)
    trained = corpus.entry_tokens.EntryAssembler(made, corpus.FRESH, corpus.tokenizer(made))
    told = sum(len(trained.epoch(epoch).sequences.flat) for epoch in range(2, 7))
    assert corpus.fresh(made, torch.device("cpu")) == told / 2


def test_the_loops_contenders_train_the_same_model_on_the_same_windows(monkeypatch):
    from experiments.benchmarks import loop
    from physics_lm.config.model import ModelConfig

    monkeypatch.setattr(loop, "WARM", 1)
    monkeypatch.setattr(loop, "STEPS", 2)
    shape = loop.Shape(ModelConfig(layers=1, width=16, heads=2, positions=16), 2, 16)
    makers = loop.makers(shape, False, torch.device("cpu"))
    assert set(makers) == {"ours", *loop.RIVALS}
    assert all(make()() > 0 for make in makers.values())
    mine = loop.ours(shape)
    theirs = loop.model(shape)
    for one, other in zip(mine.model.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(one.cpu(), other)
    loop.steps(mine, 1)
    ids = torch.from_numpy(loop.windows(shape, 0)).long()
    expected = theirs(input_ids=ids, labels=ids).loss.item()
    assert mine.curve[0]["loss"] == pytest.approx(expected, rel=0.02)


def test_the_loops_rows_are_the_cpus_or_the_gpus(monkeypatch):
    from experiments.benchmarks import loop

    speeds = {"ours": 3.0, "plain": 2.0, "trainer": 1.5}
    monkeypatch.setattr(loop, "apart", lambda makers: nullcontext({name: make() for name, make in makers.items()}))
    monkeypatch.setattr(loop, "makers", lambda *_: {name: partial(partial, float, x) for name, x in speeds.items()})
    monkeypatch.setattr(loop, "_mfu", lambda: 0.4)
    found = {cuda: {row.name: row.ratio for row in loop.rows(cuda)} for cuda in (False, True)}
    gpu = {"loop_compiled_gpu_against_plain", "loop_compiled_gpu_against_trainer", "loop_mfu_gpu"}
    assert found[True].keys() == gpu
    assert found[False].keys() > gpu
    assert {name for name, ratio in found[False].items() if ratio is None} == gpu
    assert found[True]["loop_compiled_gpu_against_trainer"] == found[False]["loop_eager_against_trainer"] == 2.0


def test_a_power_law_is_told_with_its_exponent():
    from experiments.benchmarks import growth

    *points, last = growth.told("people", "work", {10: 3.0, 100: 12.0, 1000: 48.0}, "cpu")
    assert [point.ours for point in points] == [3.0, 12.0, 48.0]
    assert last.ours == pytest.approx(np.log10(4))
    (empty,) = growth.told("people", "work", {}, "gpu")
    assert empty.ours is None


def test_time_to_figure_counts_what_figures_share_once(tmp_path, monkeypatch):
    from experiments.benchmarks import figures

    step = {"key": "k", "seconds": 7.0}
    for name, seconds in (("extraction", 100.0), ("lora", 700.0)):
        (tmp_path / "laptop" / name).mkdir(parents=True)
        told = {"seconds": seconds, "device": "cpu: x", "cores": 2, "runs": {name: {"pretrain": step}}}
        (tmp_path / "laptop" / name / "manifest.json").write_text(json.dumps(told))
    monkeypatch.setattr(figures, "KEPT", tmp_path)
    found = {row.name: row for row in figures.rows(False)}
    assert found["figure extraction"].holds
    assert found["figure lora"].holds is False
    assert not any(name.startswith("all") for name in found)
    noted = {"seconds": 650.0, "ran": 3, "jobs": 3, "device": "cpu: x", "cores": 2, "figures": ["extraction", "lora"]}
    for changed, counts in (({}, True), ({"ran": 2}, False), ({"figures": ["extraction"]}, False)):
        (tmp_path / "laptop" / "all.json").write_text(json.dumps({**noted, **changed}))
        rows = [row.ours for row in figures.rows(False) if row.name == "all 2 laptop figures, one command"]
        assert rows == [650.0] * counts
    told = {"seconds": 0.1, "device": "cpu: x", "cores": 2, "runs": {"lora": {"pretrain": step}}}
    (tmp_path / "laptop" / "lora" / "manifest.json").write_text(json.dumps(told))
    assert {row.name: row for row in figures.rows(False)}["figure lora"].ours is None  # redrawn
    assert found["of which pretrain (core-seconds)"].ours == 7
    assert found["figure extraction, scale=gpu"].ours is None


def test_probes_are_measured_as_a_stack_and_one_by_one(monkeypatch):
    trained = []
    monkeypatch.setattr(probes, "PLACES", (7,))
    monkeypatch.setattr(probes.linear_training, "train", lambda stack, *_: trained.append(len(stack.heads)))
    found = {name: (way(), trained[:], trained.clear())[1] for name, way in probes.contenders().items()}
    assert found == {"apart": [11], "shared": [11], "alone": [1] * 11}
