"""The person explorer: some people of every world, their entries, the questions, what each run answered."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from data_gen.config import WorldConfig
from data_gen.people.world import World, make
from experiments.report_page.runs import Manifests, departures, manifests, steps
from physics_lm import progress, results

PEOPLE = 40  # of each world, half of them held out
TASKS = 400  # questions of a person at most


def worlds(lab: Path, rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return every world that was asked about: its name, runs and chosen people."""
    keys = [name for name in results.settings(rows) if name == "seed" or name.startswith("world.")]
    labels, parts = _labels(rows), list(_own(rows).groupby(keys, sort=False, dropna=False))
    found = []
    for number, (_, part) in enumerate(progress.over(parts, "people", "world")):
        runs = part.drop_duplicates("run")
        one = named(runs.iloc[0])
        label = f"seed {one.seed}, {one.config.people:,} people"
        shown = [{"run": key, "label": labels[key]} for key in runs["run"]]
        found.append({"id": number, "label": label, "runs": shown, "people": _people(lab, part, runs, one)})
    return found


def _own(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows without those about people who were only read beside a world's own."""
    if "beside.kind" not in rows:
        return rows
    alone = rows["beside.kind"] == "none"
    return pd.concat([rows[alone], results.own(rows[~alone])])


def _labels(rows: pd.DataFrame) -> dict[str, str]:
    settings = departures(rows)
    firsts = rows.drop_duplicates("run")
    parts = zip(firsts["run"], firsts["corpus.name"], firsts["probe"], strict=True)
    return {
        key: ", ".join(part for part in (str(corpus), probe, settings[key]) if part) for key, corpus, probe in parts
    }


def named(run: "pd.Series[Any]") -> World:
    """Return the world of a run, made again from its columns."""
    known = {part.name for part in fields(WorldConfig)}
    given = {name.removeprefix("world."): run[name] for name in run.index if str(name).startswith("world.")}
    pools = {name.removeprefix("pools."): int(n) for name, n in given.items() if name.startswith("pools.") and n == n}
    plain = {
        name: getattr(value, "item", lambda value=value: value)() for name, value in given.items() if name in known
    }
    return make(WorldConfig(**{**plain, "pools": pools}), int(run["seed"]))


def chosen(part: pd.DataFrame) -> list[int]:
    """Return the people that are shown: evenly spread over those of each split."""
    picked: list[int] = []
    for split in ("test", "train"):
        people = np.unique(part.loc[part["split"] == split, "person"])
        if len(people):
            spread = np.linspace(0, len(people) - 1, min(len(people), PEOPLE // 2)).round().astype(int)
            picked += [int(person) for person in people[np.unique(spread)] if person >= 0]
    return list(dict.fromkeys(picked))


def _people(lab: Path, part: pd.DataFrame, runs: pd.DataFrame, world: World) -> list[dict[str, Any]]:
    people = chosen(part)
    told = entries(lab, runs, people)
    asked = part[part["person"].isin(people) & (part["task"] != "biography")]
    grouped = dict(list(asked.groupby("person")))
    return [
        {
            "id": person,
            "name": _name(world, person),
            "split": str(grouped[person]["split"].iloc[0]) if person in grouped else "",
            "entries": told.get(person, {}),
            "questions": questions(grouped[person]) if person in grouped else [],
        }
        for person in people
    ]


def _name(world: World, person: int) -> str:
    row = person - world.config.first_person
    return world.name(row) if 0 <= row < len(world) else ""


def questions(asked: pd.DataFrame) -> list[dict[str, Any]]:
    """Return one person's questions, each with every run's answer and whether it is right."""
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    columns = ["task", "attribute", "prompt", "gold", "run", "prediction", "correct"]
    for task, attribute, prompt, gold, run, prediction, correct in asked[columns].itertuples(index=False):
        key = (str(task), str(attribute), str(prompt), str(gold))
        question = found.setdefault(
            key, {"task": task, "attribute": attribute, "prompt": prompt, "gold": gold, "answers": {}}
        )
        question["answers"][run] = [str(prediction), bool(correct)]
    return list(found.values())[:TASKS]


def entries(lab: Path, runs: pd.DataFrame, people: list[int]) -> dict[int, dict[str, list[Any]]]:
    """Return for each person and corpus the entries: text and spans (attribute, start, end)."""
    import datasets

    datasets.disable_progress_bars()
    found: dict[int, dict[str, list[Any]]] = {}
    made = manifests(lab)
    corpora = {corpus_of(lab, made, key): name for key, name in zip(runs["run"], runs["corpus.name"], strict=True)}
    for folder, name in corpora.items():
        if folder is None:
            continue
        data = datasets.load_from_disk(str(folder))
        place = np.flatnonzero(np.isin(np.array(data["person_id"]), people))
        for row in data.select(place):
            spans = [[span["attribute"], span["start"], span["end"]] for span in row["spans"]]
            found.setdefault(row["person_id"], {}).setdefault(name, []).append([row["text"], spans])
    return found


def corpus_of(lab: Path, made: Manifests, key: str) -> Path | None:
    """Return the corpus folder that a run read, found through the manifests; None where it was removed."""
    found = [one["key"] for one in steps(made, key) if one["step"] == "corpus"]
    return lab / "artifacts" / "corpus" / found[0] if found else None
