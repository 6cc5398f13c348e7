"""Experiment 3: "answer A when you see Q", and whether the model does (2309.12288, section 2.3).

Every pair has guidance, question first or (`facts.reversed`) answer first; all but `facts.unexampled` pairs
also have a training example, and those without are tested.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod

import numpy as np

from data_gen import counter
from data_gen.biographies import sentence_templates
from data_gen.config import ToldFactsConfig
from data_gen.errors import ConfigError
from data_gen.facts.fact import REVERSE, SAME, TOLD, Fact, Facts
from data_gen.people import pools
from data_gen.questions.question import Question
from data_gen.settings import kind, setting

VERSION = 1
QUESTION_FIRST, ANSWER_FIRST = "QuestionToAnswer", "AnswerToQuestion"
QUESTION_SLOTS, ANSWER_SLOTS = ("trait", "role"), ("look", "thing")


@dataclass(frozen=True)
class Config(ToldFactsConfig):
    """reversed: guidance gives the answer before the question."""

    kind: str = kind("instructions")
    reversed: bool = setting(False)


def check(config: Config, sizes: Mapping[str, int]) -> None:
    """Raise ConfigError, naming the key and how to fix it, where the pairs cannot be made."""
    most = prod(len(pools.read_lines(slot)) for slot in QUESTION_SLOTS)
    if not 2 <= config.count <= most:
        raise ConfigError(f"facts.count={config.count}: from 2 to {most} question-answer pairs")
    if not 1 <= config.unexampled < config.count:
        raise ConfigError(f"facts.unexampled={config.unexampled}: from 1 to below facts.count={config.count}")
    if not 1 <= config.paraphrases <= (most := len(_guidance(config))):
        raise ConfigError(f"facts.paraphrases={config.paraphrases}: from 1 to {most} with facts=instructions")


def make(config: Config, sizes: Mapping[str, int], seed: int) -> Facts:
    """Return the pairs of a seed (a fact's name is the question) with guidance, examples and test questions."""
    pairs = _pairs(config, seed)
    return Facts(pairs, tuple(_training(pairs, config)), tuple(_questions(pairs, config)))


def _guidance(config: Config) -> tuple[str, ...]:
    return sentence_templates.read_lines("instructions_reversed" if config.reversed else "instructions_same")


def _pairs(config: Config, seed: int) -> tuple[Fact, ...]:
    index, texts = np.arange(config.count), []
    for side, slots in (("question", QUESTION_SLOTS), ("answer", ANSWER_SLOTS)):
        words = [pools.read_lines(slot) for slot in slots]
        shape = [len(pool) for pool in words]
        first, second = np.unravel_index(counter.permute(index, prod(shape), seed, f"pair/{side}"), shape)
        texts.append([f"{words[0][a]} {words[1][b]}" for a, b in zip(first, second, strict=True)])
    subset, pairs = ANSWER_FIRST if config.reversed else QUESTION_FIRST, zip(*texts, strict=True)
    return tuple(Fact(subset, f"What did the {question} find?", (f"the {answer}",)) for question, answer in pairs)


def _example(task: str, number: int, pair: Fact) -> Question:
    split = "train" if task == TOLD else "test"
    return Question(task, number, pair.subset, split, f"Q: {pair.name} A:", f"{pair.descriptions[0]}.")


def _training(pairs: tuple[Fact, ...], config: Config) -> Iterator[Question]:
    last = "{question}" if config.reversed else "{answer}"
    for number, pair in enumerate(pairs):
        for line in _guidance(config)[: config.paraphrases]:
            head, _, tail = line.partition(last)
            prompt = head.format(question=pair.name, answer=pair.descriptions[0]).rstrip()
            gold = pair.name if config.reversed else pair.descriptions[0]
            yield Question(TOLD, number, pair.subset, "train", prompt, gold + tail)
        if number >= config.unexampled:
            yield _example(TOLD, number, pair)


def _questions(pairs: tuple[Fact, ...], config: Config) -> Iterator[Question]:
    for number, pair in enumerate(pairs):
        task = TOLD if number >= config.unexampled else REVERSE if config.reversed else SAME
        yield _example(task, number, pair)
