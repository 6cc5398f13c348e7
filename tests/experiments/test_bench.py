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
from experiments.benchmarks import Row, evaluation, interleaved, probes, separate_processes
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
    calls = []
    measures = {"a": iter([1.0, 9.0, 2.0]), "b": iter([5.0, 4.0, 6.0])}

    def contender(name):
        return lambda: (calls.append(name), next(measures[name]))[1]

    assert interleaved({name: contender(name) for name in measures}, 3) == {"a": 2.0, "b": 5.0}
    assert calls == ["a", "b", "b", "a", "a", "b"]


def test_contenders_in_separate_processes_have_one_each():
    with separate_processes(dict.fromkeys("ab", partial(partial, os.getpid))) as contenders:
        first, second, again = contenders["a"](), contenders["b"](), contenders["a"]()
    assert first == again
    assert len({os.getpid(), int(first), int(second)}) == 3
    failing = separate_processes({"c": partial(int, "no number")})
    with failing as contenders, pytest.raises(RuntimeError, match="has ended"):
        contenders["c"]()


def running(process):
    with suppress(OSError):
        return "\nState:\tZ" not in (process / "status").read_text()
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_killed_benchmark_leaves_no_contender_behind():
    script = """
import os, time
from functools import partial
from experiments.benchmarks import separate_processes
with separate_processes({"a": partial(partial, os.getpid)}) as contenders:
    print(int(contenders["a"]()), flush=True)
    time.sleep(600)
"""
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    child = Path("/proc", parent.stdout.readline().strip())
    assert running(child)
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 30
    while running(child) and time.monotonic() < deadline:
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
    bench.run_benchmarks("", tmp_path)
    rows = json.loads(bench.run_benchmarks("two", tmp_path).read_text())["rows"]
    assert [row["name"] for row in rows] == ["one_cpu", "one_gpu", "two_cpu", "two_gpu"]
    assert set(bench.COLUMNS) <= set(rows[0])
    page = (tmp_path / "benchmarks.md").read_text()
    for word in ("one_gpu", "`python -m experiments.bench only=two`", rows[0]["versions"], rows[0]["hardware"]):
        assert word in page


def test_a_checkout_brings_the_rows_that_its_table_was_written_from(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(benchmarks, "names", lambda: ["one", "two"])
    monkeypatch.setattr(benchmarks, "benchmark", Fake)
    bench.run_benchmarks("", Path("lab"))
    page = Path("docs", "benchmarks.md").read_text()
    shutil.rmtree("lab")  # git ignores it: a fresh clone has docs/ alone
    rows = json.loads(bench.run_benchmarks("two", Path("lab")).read_text())["rows"]
    assert [row["name"] for row in rows] == ["one_cpu", "one_gpu", "two_cpu", "two_gpu"]
    assert Path("docs", "benchmarks.md").read_text() == page
    elsewhere = json.loads(bench.run_benchmarks("one", Path("other")).read_text())["rows"]
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
    path = bench.run_benchmarks("", tmp_path)
    monkeypatch.setattr(benchmarks, "benchmark", Broken)
    with pytest.raises(KeyboardInterrupt):
        bench.run_benchmarks("", tmp_path)
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
    monkeypatch.setattr(bench, "machine_info", lambda: {"made": "", "versions": "", "hardware": ""})
    for cuda in (False, True, False, True):
        monkeypatch.setattr(torch.cuda, "is_available", lambda cuda=cuda: cuda)
        rows = json.loads(bench.run_benchmarks("both", tmp_path).read_text())["rows"]
        speeds = {row["name"]: row["ours"] for row in rows}
        assert speeds == {"slow": 1.0, "fast": speeds["fast"]}
    assert speeds["fast"] == 0.1
    assert [row["name"] for row in rows] == ["slow", "fast"]


def test_an_unknown_benchmark_is_refused_before_any_work(tmp_path):
    with pytest.raises(ConfigError, match="only=nonsense"):
        bench.run_benchmarks("nonsense", tmp_path / "lab")
    assert not (tmp_path / "lab").exists()


def test_both_evaluations_judge_the_same_answers_right(lab):
    model = AutoModelForCausalLM.from_pretrained(lab.folder("finetune"), dtype=torch.float32)
    tokenizer = tokenizers.load(lab.folder("finetune"))
    scores = exact_match.score(model, tokenizer, encoding.encode(tokenizer, lab.questions), 16)
    assert evaluation.greedy_matches(model, tokenizer, lab.questions, 16) == [score.correct for score in scores]


def test_both_ways_to_make_a_corpus_give_the_same_tokens(monkeypatch):
    from experiments.benchmarks import corpus

    monkeypatch.setattr(corpus, "SAMPLE", 20)
    world = small_world(people=20)
    tokenizer = corpus.sample_tokenizer(world)
    assembler = corpus.entry_tokens.EntryAssembler(world, corpus.CORPUS, tokenizer)
    texts = corpus.sample_texts(world)
    ids = [entry.ids for entry in tokenizer.backend_tokenizer.encode_batch_fast(texts, add_special_tokens=False)]
    flat = [token for entry in ids for token in (*entry, tokenizer.eos_token_id)]
    assert assembler.epoch().sequences.flat.tolist() == flat


def test_the_rate_of_fresh_entries_counts_what_a_device_draws(monkeypatch):
    from experiments.benchmarks import corpus

    monkeypatch.setattr(corpus, "SAMPLE", 20)
    ticks = iter([0.0, 2.0])
    monkeypatch.setattr(corpus.time, "perf_counter", lambda: next(ticks))
    world = small_world(people=20)
    assembler = corpus.entry_tokens.EntryAssembler(world, corpus.FRESH, corpus.sample_tokenizer(world))
    tokens = sum(len(assembler.epoch(epoch).sequences.flat) for epoch in range(2, 7))
    assert corpus.fresh_speed(world, torch.device("cpu")) == tokens / 2


def test_the_loops_contenders_train_the_same_model_on_the_same_windows(monkeypatch):
    from experiments.benchmarks import loop
    from physics_lm.config.model import ShapeConfig

    monkeypatch.setattr(loop, "WARM_UP", 1)
    monkeypatch.setattr(loop, "STEPS", 2)
    shape = loop.Shape(ShapeConfig(layers=1, width=16, heads=2, positions=16), 2, 16)
    factories = loop.contender_factories(shape, False, torch.device("cpu"))
    assert set(factories) == {"ours", *loop.RIVALS}
    assert all(factory()() > 0 for factory in factories.values())
    training = loop.build_training(shape)
    rival = loop.build_model(shape)
    for ours, theirs in zip(training.model.parameters(), rival.parameters(), strict=True):
        assert torch.equal(ours.cpu(), theirs)
    loop.run_steps(training, 1)
    ids = torch.from_numpy(loop.token_batch(shape, 0)).long()
    expected = rival(input_ids=ids, labels=ids).loss.item()
    assert training.curve[0]["loss"] == pytest.approx(expected, rel=0.02)


def test_the_loops_rows_are_the_cpus_or_the_gpus(monkeypatch):
    from experiments.benchmarks import loop

    speeds = {"ours": 3.0, "plain": 2.0, "trainer": 1.5}
    factories = {name: partial(partial, float, speed) for name, speed in speeds.items()}
    contenders = {name: factory() for name, factory in factories.items()}
    monkeypatch.setattr(loop, "separate_processes", lambda _: nullcontext(contenders))
    monkeypatch.setattr(loop, "contender_factories", lambda *_: factories)
    monkeypatch.setattr(loop, "_flops_utilization", lambda: 0.4)
    ratios = {cuda: {row.name: row.ratio for row in loop.rows(cuda)} for cuda in (False, True)}
    gpu = {"loop_compiled_gpu_against_plain", "loop_compiled_gpu_against_trainer", "loop_mfu_gpu"}
    assert ratios[True].keys() == gpu
    assert ratios[False].keys() > gpu
    assert {name for name, ratio in ratios[False].items() if ratio is None} == gpu
    assert ratios[True]["loop_compiled_gpu_against_trainer"] == ratios[False]["loop_eager_against_trainer"] == 2.0


def test_a_power_law_has_a_row_for_its_exponent():
    from experiments.benchmarks import growth

    *points, last = growth.power_law_rows("people", "work", {10: 3.0, 100: 12.0, 1000: 48.0}, "cpu")
    assert [point.ours for point in points] == [3.0, 12.0, 48.0]
    assert last.ours == pytest.approx(np.log10(4))
    (empty,) = growth.power_law_rows("people", "work", {}, "gpu")
    assert empty.ours is None


def test_time_to_figure_counts_what_figures_share_once(tmp_path, monkeypatch):
    from experiments.benchmarks import figures

    step = {"key": "k", "seconds": 7.0}
    for name, seconds in (("extraction", 100.0), ("lora", 700.0)):
        (tmp_path / "laptop" / name).mkdir(parents=True)
        manifest = {"seconds": seconds, "device": "cpu: x", "cores": 2, "runs": {name: {"pretrain": step}}}
        (tmp_path / "laptop" / name / "manifest.json").write_text(json.dumps(manifest))
    monkeypatch.setattr(figures, "REPRODUCED", tmp_path)
    measured = {row.name: row for row in figures.rows(False)}
    assert measured["figure extraction"].holds
    assert measured["figure lora"].holds is False
    assert not any(name.startswith("all") for name in measured)
    record = {"seconds": 650.0, "ran": 3, "jobs": 3, "device": "cpu: x", "cores": 2, "figures": ["extraction", "lora"]}
    for changes, counts in (({}, True), ({"ran": 2}, False), ({"figures": ["extraction"]}, False)):
        (tmp_path / "laptop" / "all.json").write_text(json.dumps({**record, **changes}))
        rows = [row.ours for row in figures.rows(False) if row.name == "all 2 laptop figures, one command"]
        assert rows == [650.0] * counts
    manifest = {"seconds": 0.1, "device": "cpu: x", "cores": 2, "runs": {"lora": {"pretrain": step}}}
    (tmp_path / "laptop" / "lora" / "manifest.json").write_text(json.dumps(manifest))
    assert {row.name: row for row in figures.rows(False)}["figure lora"].ours is None  # redrawn
    assert measured["of which pretrain (core-seconds)"].ours == 7
    assert measured["figure extraction, scale=gpu"].ours is None


def test_probes_are_measured_as_a_stack_and_one_by_one(monkeypatch):
    trained = []
    monkeypatch.setattr(probes, "POSITIONS", (7,))
    monkeypatch.setattr(probes.linear_training, "train", lambda stack, *_: trained.append(len(stack.heads)))
    sizes = {name: (contender(), trained[:], trained.clear())[1] for name, contender in probes.contenders().items()}
    assert sizes == {"apart": [11], "shared": [11], "alone": [1] * 11}
