"""Experiment 1 as published: a folder of jsonl files, each line a prompt and a completion.

The ten splits are named as in the published folders (p2d: person to description, name first). Wordings of a
description differ from line to line, so a line's fact is identified by its name, which every line holds.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from data_gen.errors import ConfigError
from data_gen.facts.fact import BOTH, DESCRIPTION_FIRST, NAME_FIRST, RANDOM, REVERSE, SAME, SUBSETS, TOLD, Fact, Facts
from data_gen.questions.question import Question

PREFIX = {NAME_FIRST: "p2d", DESCRIPTION_FIRST: "d2p", BOTH: "both"}
SPLITS: dict[str, tuple[str, str]] = {
    **{f"{PREFIX[subset]}_prompts_train": (subset, TOLD) for subset in SUBSETS},
    **{f"{PREFIX[subset]}_prompts_test": (subset, SAME) for subset in SUBSETS},
    **{f"{PREFIX[subset]}_reverse_prompts_test": (subset, REVERSE) for subset in SUBSETS[:2]},
    **{f"{PREFIX[subset]}_reverse_prompts_test_randomized": (subset, RANDOM) for subset in SUBSETS[:2]},
}
_NAME_SPLITS = {NAME_FIRST: "p2d_reverse_prompts_test", DESCRIPTION_FIRST: "d2p_prompts_test"}  # gold is a name
Line = tuple[str, str]  # prompt and completion


def check(folder: str) -> None:
    """Raise ConfigError naming the file, and the line, where the folder cannot be read."""
    _read(Path(folder))


def make(folder: str) -> Facts:
    """Return the facts of the folder, all of its sentences and questions."""
    splits = _read(Path(folder))
    names = {subset: _names(subset, splits) for subset in SUBSETS}
    keys = [(subset, name) for subset in SUBSETS for name in names[subset]]
    facts = tuple(Fact(subset, name, tuple(_wordings(name, subset, splits)) or (name,)) for subset, name in keys)
    index = {fact.name: number for number, fact in enumerate(facts)}
    sentences = []
    for split, (subset, task) in SPLITS.items():
        named = splits[split.removesuffix("_randomized")]  # a random line belongs to the fact of its reverse line
        for number, (line, named_line) in enumerate(zip(splits[split], named, strict=True), 1):
            name = _name_in(named_line, names[subset], f"{split}.jsonl:{number}")
            sentences.append(Question(task, index[name], subset, "train" if task == TOLD else "test", *line))
    training = tuple(q for q in sentences if q.task == TOLD)
    first = {q.person: q for q in reversed(training)}  # a training sentence of every fact is tested too
    return Facts(facts, training, (*first.values(), *(q for q in sentences if q.task != TOLD))).with_context()


def _read(folder: Path) -> dict[str, list[Line]]:
    if not folder.is_dir():
        raise ConfigError(f"facts.folder={folder}: there is no such folder")
    splits = {split: list(_lines(folder / f"{split}.jsonl")) for split in SPLITS}
    for prefix in (PREFIX[subset] for subset in SUBSETS[:2]):
        right, random = (len(splits[f"{prefix}_reverse_prompts_test{end}"]) for end in ("", "_randomized"))
        if right != random:
            raise ConfigError(
                f"facts.folder: {prefix}_reverse_prompts_test_randomized.jsonl has {random} lines instead of the "
                f"{right} of {prefix}_reverse_prompts_test.jsonl"
            )
    return splits


def _lines(path: Path) -> Iterator[Line]:
    if not path.exists():
        raise ConfigError(f"facts.folder: {path} is missing; the published folder holds {', '.join(SPLITS)} as .jsonl")
    texts = path.read_text(encoding="utf-8", errors="replace").split("\n")
    if not any(text.strip() for text in texts):
        raise ConfigError(f"facts.folder: {path} is empty")
    for number, text in enumerate(texts, 1):
        if text.strip():
            yield _line(text, f"{path}:{number}")


def _line(text: str, location: str) -> Line:
    try:
        row = json.loads(text)
        prompt, completion = row["prompt"], row["completion"]
    except (ValueError, KeyError, TypeError):
        raise ConfigError(f"facts.folder: {location} is no JSON object with prompt and completion") from None
    if not (isinstance(prompt, str) and isinstance(completion, str) and prompt.strip() and completion.strip()):
        raise ConfigError(f"facts.folder: {location}: prompt and completion must be texts that are not empty")
    return prompt.strip(), completion.strip()


def _names(subset: str, splits: Mapping[str, list[Line]]) -> list[str]:
    """Return the names of a subset, longest first: the completions of its test prompts with descriptions."""
    if subset == BOTH:
        lines = splits["both_prompts_test"]
        names = [answer for _, answer in lines if any(answer in prompt for prompt, _ in lines)]
    else:
        names = [answer for _, answer in splits[_NAME_SPLITS[subset]]]
    return sorted(dict.fromkeys(names), key=lambda name: (-len(name), name))


def _name_in(line: Line, names: list[str], location: str) -> str:
    for name in names:
        if name in line[0] or name in line[1]:
            return name
    raise ConfigError(f"facts.folder: {location} holds none of the {len(names)} names that the test files ask for")


def _wordings(name: str, subset: str, splits: Mapping[str, list[Line]]) -> Iterator[str]:
    """Yield the wordings of the description of a name: the completions of prompts that hold it."""
    seen = set()
    for split, (split_subset, task) in SPLITS.items():
        if split_subset == subset and task != RANDOM:
            for prompt, answer in splits[split]:
                wording = answer.rstrip(".?!,")
                if name in prompt and wording not in seen:
                    seen.add(wording)
                    yield wording
