"""Corpora made directly as token ids against text that is then tokenised, on one core."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import torch
from transformers import PreTrainedTokenizerBase

from data_gen.biographies import recipes, rendering
from data_gen.config import CorpusConfig, WorldConfig
from data_gen.people.world import World, make
from experiments.benchmarks import Contender, Row, interleaved
from experiments.benchmarks.loop import GPU, build_training, run_steps, tokens_per_second
from experiments.launch.ledger import peak_mb
from physics_lm.config.tokenizer import TokenizerConfig
from physics_lm.data import entry_tokens, entry_tokens_gpu, tokenizers
from physics_lm.data.windows import Entries, WindowBatches, Windows

PEOPLE, MILLION, SAMPLE = 20_000, 1_000_000, 500
CORPUS = CorpusConfig()  # multi5+permute, all templates
FRESH = CorpusConfig("multi_infinity_permute", entries=1, fresh=True)
CHILD = [sys.executable, "-m", __spec__.name]


def rows(cuda: bool) -> Iterator[Row]:
    """Measure tokens a second and a million people in a process of its own, or fresh entries drawn on a GPU."""
    world = make(WorldConfig(people=PEOPLE), 0)
    if not cuda:
        speeds = interleaved(contenders(world), 5)
        assembled, rival = speeds["assembled"], "text, then tokenizers (byte-level BPE)"
        yield Row("corpus_speedup", "tokens/s", assembled, speeds["text"], rival, "higher", 20, "cpu, one core")
        yield Row("corpus_rate", "tokens/s", assembled, None, "", "higher", 20e6, "cpu, one core")
        seconds, gigabytes = map(float, subprocess.check_output(CHILD, text=True).split())
        yield Row("corpus_million_people_seconds", "s", seconds, None, "", "lower", 60, "cpu, one core")
        yield Row("corpus_million_people_memory", "GB", gigabytes, None, "", "lower", 2, "cpu, one core")
    gpu = torch.device("cuda")
    speed = fresh_speed(world, gpu) if cuda else None  # the target is 100 times what a model of 124M trains on there
    yield Row("corpus_fresh_rate_gpu", "tokens/s", speed, None, "", "higher", 50e6, "gpu")
    speeds = interleaved(training_contenders(world, gpu), 3) if cuda else {}
    numbers, rival = (speeds.get("fresh"), speeds.get("fixed")), "the same entries every epoch"
    yield Row("corpus_fresh_reading_gpu", "tokens/s", *numbers, rival, "higher", 0.97, "gpu")


def training_contenders(world: World, device: torch.device) -> dict[str, Contender]:
    """Return contenders that measure tokens a second of training on entries drawn each epoch, and on fixed ones."""
    tokenizer = sample_tokenizer(world)
    assembler = entry_tokens.EntryAssembler(world, FRESH, tokenizer)
    fresh, fixed = entry_tokens_gpu.GpuEntryAssembler(assembler, device), assembler.epoch().sequences

    def contender(source: Callable[[int], Entries]) -> Contender:
        shape = GPU._replace(vocabulary=len(tokenizer))
        windows = Windows(source, shape.context, 0)
        loop = build_training(shape, "never")
        loop.batches = WindowBatches(windows, None, 0, shape.batch, 0)
        steps = 2 * windows.per_epoch // shape.batch  # so that two epochs are drawn
        return lambda: tokens_per_second(shape, partial(run_steps, loop), steps)

    return {"fresh": contender(fresh.epoch), "fixed": contender(lambda _: fixed)}


def fresh_speed(world: World, device: torch.device) -> float:
    """Return tokens a second of drawing fresh epochs and concatenating their entries in shuffled order on a device."""
    assembler = entry_tokens.EntryAssembler(world, FRESH, sample_tokenizer(world))
    entries = entry_tokens_gpu.GpuEntryAssembler(assembler, device)
    order = np.random.default_rng(0).permutation(len(world))
    entries.epoch(1).reorder(order)  # warms up
    return _per_second(lambda: sum(len(entries.epoch(epoch).reorder(order)) for epoch in range(2, 7)))


def _per_second(work: Callable[[], int]) -> float:
    """Return the number that a call returns over the seconds that it takes."""
    start = time.perf_counter()
    return work() / (time.perf_counter() - start)


def sample_texts(world: World) -> list[str]:
    """Return the texts of the first SAMPLE entries of a world."""
    drawn = recipes.draw(world, CORPUS, rows=np.arange(SAMPLE))
    return [entry.text for entry in rendering.render(world, CORPUS, drawn)]


def sample_tokenizer(world: World) -> PreTrainedTokenizerBase:
    """Return a byte-level BPE tokenizer trained on `sample_texts`."""
    return tokenizers.train(TokenizerConfig("bpe", 4096), sample_texts(world))


def contenders(world: World) -> dict[str, Contender]:
    """Return contenders that measure tokens a second of entries made as token ids, and as text that is tokenised."""
    tokenizer = sample_tokenizer(world)
    assembler = entry_tokens.EntryAssembler(world, CORPUS, tokenizer)

    def tokenise_texts() -> int:
        encoded = tokenizer.backend_tokenizer.encode_batch_fast(sample_texts(world), add_special_tokens=False)
        return sum(len(entry.ids) + 1 for entry in encoded)

    return {
        "assembled": lambda: _per_second(lambda: len(assembler.epoch().sequences.flat)),
        "text": lambda: _per_second(tokenise_texts),
    }


def million_people() -> tuple[float, float]:
    """Make the entries of a million people; return the seconds, world included, and the process's peak in GB."""
    start = time.perf_counter()
    world = make(WorldConfig(people=MILLION), 0)
    entries = entry_tokens.EntryAssembler(world, CORPUS, sample_tokenizer(world)).epoch()
    seconds = time.perf_counter() - start
    assert len(entries.sequences) == MILLION * CORPUS.entries_per_person
    return seconds, peak_mb() * 2**20 / 1e9


if __name__ == "__main__":
    print(*million_people())
