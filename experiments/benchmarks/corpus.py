"""Corpora straight as token ids against text that is then tokenised, on one core."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from transformers import PreTrainedTokenizerBase

from data_gen.biographies import recipes, rendering
from data_gen.config import CorpusConfig, WorldConfig
from data_gen.people import world
from experiments.benchmarks import Contender, Row, interleaved
from experiments.benchmarks.loop import GPU, WARM, steps
from experiments.benchmarks.loop import ours as begun
from experiments.launch.ledger import peak_mb
from physics_lm.config.tokenizer import TokenizerConfig
from physics_lm.data import entry_tokens, entry_tokens_gpu, tokenizers
from physics_lm.data import windows as token_windows

PEOPLE, MILLION, SAMPLE = 20_000, 1_000_000, 500
CORPUS = CorpusConfig()  # multi5+permute, all templates
FRESH = CorpusConfig("multi_infinity_permute", entries=1, fresh=True)
CHILD = [sys.executable, "-m", __spec__.name]


def rows(cuda: bool) -> Iterator[Row]:
    """Measure tokens a second and a million people in a process of its own, or fresh entries drawn on a GPU."""
    made = world.make(WorldConfig(people=PEOPLE), 0)
    if not cuda:
        found = interleaved(dict(zip(("laid", "text"), contenders(made), strict=True)), 5)
        told = "text, then tokenizers (byte-level BPE)"
        yield Row("corpus_speedup", "tokens/s", found["laid"], found["text"], told, "higher", 20, "cpu, one core")
        yield Row("corpus_rate", "tokens/s", found["laid"], None, "", "higher", 20e6, "cpu, one core")
        seconds, gigabytes = map(float, subprocess.check_output(CHILD, text=True).split())
        yield Row("corpus_million_people_seconds", "s", seconds, None, "", "lower", 60, "cpu, one core")
        yield Row("corpus_million_people_memory", "GB", gigabytes, None, "", "lower", 2, "cpu, one core")
    rate = fresh(made, torch.device("cuda")) if cuda else None  # a hundred times what a model of 124M reads there
    yield Row("corpus_fresh_rate_gpu", "tokens/s", rate, None, "", "higher", 50e6, "gpu")
    read = interleaved(readers(made, torch.device("cuda")), 3) if cuda else {}
    ours, rival = read.get("fresh"), read.get("fixed")
    yield Row(
        "corpus_fresh_reading_gpu", "tokens/s", ours, rival, "the same entries every epoch", "higher", 0.97, "gpu"
    )


def readers(made: world.World, where: torch.device) -> dict[str, Contender]:
    """Return what measures tokens a second of training on entries drawn anew in every epoch, and on fixed ones."""
    trained = tokenizer(made)
    entries = entry_tokens.EntryAssembler(made, FRESH, trained)
    drawn, fixed = entry_tokens_gpu.GpuEntryAssembler(entries, where), entries.epoch().sequences

    def reader(source: Callable[[int], token_windows.Entries]) -> Contender:
        shape = GPU._replace(vocabulary=len(trained))
        windows = token_windows.Windows(source, shape.context, 0)
        loop = begun(shape, "never")
        loop.batches = token_windows.WindowBatches(windows, None, 0, shape.batch, 0)
        many = 2 * windows.per_epoch // shape.batch  # so that two epochs are drawn

        def measure() -> float:
            steps(loop, WARM)
            start = time.perf_counter()
            steps(loop, many)
            return shape.batch * shape.context * many / (time.perf_counter() - start)

        return measure

    return {"fresh": reader(drawn.epoch), "fixed": reader(lambda _: fixed)}


def fresh(made: world.World, where: torch.device) -> float:
    """Return tokens a second of fresh epochs drawn and laid in a shuffled order on a device."""
    entries = entry_tokens_gpu.GpuEntryAssembler(entry_tokens.EntryAssembler(made, FRESH, tokenizer(made)), where)
    order = np.random.default_rng(0).permutation(len(made))
    entries.epoch(1).reorder(order)  # warms up
    start = time.perf_counter()
    size = sum(len(entries.epoch(epoch).reorder(order)) for epoch in range(2, 7))
    return size / (time.perf_counter() - start)


def tokenizer(made: world.World) -> PreTrainedTokenizerBase:
    """Return a byte-level BPE tokenizer trained on some entries of a world."""
    drawn = recipes.draw(made, CORPUS, rows=np.arange(SAMPLE))
    texts = [entry.text for entry in rendering.render(made, CORPUS, drawn)]
    return tokenizers.train(TokenizerConfig("bpe", 4096), texts)


def contenders(made: world.World) -> tuple[Callable[[], float], Callable[[], float]]:
    """Return what measures tokens a second of our route and of the text route; both tell the same entries."""
    trained = tokenizer(made)
    ours = entry_tokens.EntryAssembler(made, CORPUS, trained)
    some = np.arange(SAMPLE)

    def laid() -> float:
        start = time.perf_counter()
        size = len(ours.epoch().sequences.flat)
        return size / (time.perf_counter() - start)

    def text() -> float:
        start = time.perf_counter()
        drawn = recipes.draw(made, CORPUS, rows=some)
        texts = [entry.text for entry in rendering.render(made, CORPUS, drawn)]
        encoded = trained.backend_tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        size = sum(len(entry.ids) + 1 for entry in encoded)
        return size / (time.perf_counter() - start)

    return laid, text


def million() -> tuple[float, float]:
    """Lay the entries of a million people; return seconds from the world on, and the process's peak in GB."""
    start = time.perf_counter()
    made = world.make(WorldConfig(people=MILLION), 0)
    found = entry_tokens.EntryAssembler(made, CORPUS, tokenizer(made)).epoch()
    seconds = time.perf_counter() - start
    assert len(found.sequences) == MILLION * CORPUS.entries_per_person
    return seconds, peak_mb() * 2**20 / 1e9


if __name__ == "__main__":
    print(*million())
