"""Experiment 3: "answer A when you see Q", and whether the model does (2309.12288, section 2.3).

Every pair has guidance, question first or (`facts.reversed`) answer first; all but `facts.unexampled` pairs
also have an example, and those without are asked.
"""

from collections.abc import Iterator, Mapping
from math import prod

import numpy as np

from data_gen import counter
from data_gen.biographies import sentence_templates
from data_gen.config import FactsConfig
from data_gen.errors import ConfigError
from data_gen.facts.fact import REVERSE, SAME, TOLD, Fact, Facts
from data_gen.people import pools
from data_gen.questions.question import Question

QUESTION_FIRST, ANSWER_FIRST = "QuestionToAnswer", "AnswerToQuestion"
QUESTION_SLOTS, ANSWER_SLOTS = ("trait", "role"), ("look", "thing")


def check(config: FactsConfig, sizes: Mapping[str, int]) -> None:
    """Raise ConfigError naming the key and the mend where the pairs cannot be made."""
    most = prod(len(pools.lines(slot)) for slot in QUESTION_SLOTS)
    if not 2 <= config.count <= most:
        raise ConfigError(f"facts.count={config.count}: from 2 to {most} question-answer pairs")
    if not 1 <= config.unexampled < config.count:
        raise ConfigError(f"facts.unexampled={config.unexampled}: from 1 to below facts.count={config.count}")
    if not 1 <= config.paraphrases <= (most := len(_guidance(config))):
        raise ConfigError(f"facts.paraphrases={config.paraphrases}: from 1 to {most} with facts=instructions")


def facts(config: FactsConfig, sizes: Mapping[str, int], seed: int) -> Facts:
    """Return the pairs of a seed (a fact's name is the question), their guidance, examples and what is asked."""
    made = _pairs(config, seed)
    told, asked = tuple(_told(made, config)), tuple(_asked(made, config))
    return Facts(made, told, asked)


def _guidance(config: FactsConfig) -> tuple[str, ...]:
    return sentence_templates.texts("instructions_reversed" if config.reversed else "instructions_same")


def _pairs(config: FactsConfig, seed: int) -> tuple[Fact, ...]:
    index, texts = np.arange(config.count), []
    for what, slots in (("question", QUESTION_SLOTS), ("answer", ANSWER_SLOTS)):
        words = [pools.lines(slot) for slot in slots]
        shape = [len(part) for part in words]
        first, second = np.unravel_index(counter.permute(index, prod(shape), seed, f"pair/{what}"), shape)
        texts.append([f"{words[0][a]} {words[1][b]}" for a, b in zip(first, second, strict=True)])
    subset = ANSWER_FIRST if config.reversed else QUESTION_FIRST
    return tuple(
        Fact(subset, f"What did the {question} find?", (f"the {answer}",))
        for question, answer in zip(*texts, strict=True)
    )


def _example(task: str, number: int, fact: Fact) -> Question:
    split = "train" if task == TOLD else "test"
    return Question(task, number, fact.subset, split, f"Q: {fact.name} A:", f"{fact.descriptions[0]}.")


def _told(made: tuple[Fact, ...], config: FactsConfig) -> Iterator[Question]:
    last = "{question}" if config.reversed else "{answer}"
    for number, fact in enumerate(made):
        for line in _guidance(config)[: config.paraphrases]:
            head, _, tail = line.partition(last)
            prompt = head.format(question=fact.name, answer=fact.descriptions[0]).rstrip()
            gold = fact.name if config.reversed else fact.descriptions[0]
            yield Question(TOLD, number, fact.subset, "train", prompt, gold + tail)
        if number >= config.unexampled:
            yield _example(TOLD, number, fact)


def _asked(made: tuple[Fact, ...], config: FactsConfig) -> Iterator[Question]:
    for number, fact in enumerate(made):
        task = TOLD if number >= config.unexampled else REVERSE if config.reversed else SAME
        yield _example(task, number, fact)
