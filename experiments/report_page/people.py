"""The person explorer: some people of every world, their biography entries, and each run's answers about them."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from data_gen.config import WorldConfig
from data_gen.people.world import World, make
from experiments.report_page.runs import Manifests, load_manifests, run_steps, unusual_settings
from physics_lm import progress, results

PEOPLE = 40  # of each world, half of them held out
MAX_QUESTIONS = 400  # of a person


def worlds(lab: Path, rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return every world that runs were evaluated on: its label, runs and chosen people."""
    keys = [name for name in results.settings(rows) if name == "seed" or name.startswith("world.")]
    labels, tables = _run_labels(rows), list(_own_people(rows).groupby(keys, sort=False, dropna=False))
    entries = []
    for number, (_, world_rows) in enumerate(progress.track(tables, "people", "world")):
        runs = world_rows.drop_duplicates("run")
        world = rebuild_world(runs.iloc[0])
        label = f"seed {world.seed}, {world.config.people:,} people"
        run_entries = [{"run": key, "label": labels[key]} for key in runs["run"]]
        people = _people_entries(lab, world_rows, runs, world)
        entries.append({"id": number, "label": label, "runs": run_entries, "people": people})
    return entries


def _own_people(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows without those about people of auxiliary entries (config group `beside`)."""
    if "beside.kind" not in rows:
        return rows
    single = rows["beside.kind"] == "none"
    return pd.concat([rows[single], results.own(rows[~single])])


def _run_labels(rows: pd.DataFrame) -> dict[str, str]:
    settings, runs = unusual_settings(rows), rows.drop_duplicates("run")
    columns = zip(runs["run"], runs["corpus.name"], runs["probe"], strict=True)
    return {run: ", ".join(filter(None, (str(corpus), probe, settings[run]))) for run, corpus, probe in columns}


def rebuild_world(run: "pd.Series[Any]") -> World:
    """Return the world of a run, made anew from the `world.` columns of one of its rows."""
    names = {field.name for field in fields(WorldConfig)}
    columns = {name.removeprefix("world."): run[name] for name in run.index if str(name).startswith("world.")}
    pools = {
        name.removeprefix("pools."): int(size)
        for name, size in columns.items()
        if name.startswith("pools.") and size == size
    }
    settings = {
        name: getattr(value, "item", lambda value=value: value)() for name, value in columns.items() if name in names
    }
    return make(WorldConfig(**{**settings, "pools": pools}), int(run["seed"]))


def choose_people(rows: pd.DataFrame) -> list[int]:
    """Return the people to show: up to PEOPLE, half of each split, spread evenly over it."""
    chosen: list[int] = []
    for split in ("test", "train"):
        people = np.unique(rows.loc[rows["split"] == split, "person"])
        if len(people):
            spread = np.linspace(0, len(people) - 1, min(len(people), PEOPLE // 2)).round().astype(int)
            chosen += [int(person) for person in people[np.unique(spread)] if person >= 0]
    return list(dict.fromkeys(chosen))


def _people_entries(lab: Path, rows: pd.DataFrame, runs: pd.DataFrame, world: World) -> list[dict[str, Any]]:
    people = choose_people(rows)
    biographies = corpus_entries(lab, runs, people)
    answers = rows[rows["person"].isin(people) & (rows["task"] != "biography")]
    by_person = dict(list(answers.groupby("person")))
    return [
        {
            "id": person,
            "name": _name(world, person),
            "split": str(by_person[person]["split"].iloc[0]) if person in by_person else "",
            "entries": biographies.get(person, {}),
            "questions": question_answers(by_person[person]) if person in by_person else [],
        }
        for person in people
    ]


def _name(world: World, person: int) -> str:
    row = person - world.config.first_person
    return world.name(row) if 0 <= row < len(world) else ""


def question_answers(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return one person's questions, each with every run's answer and whether it is right."""
    questions: dict[tuple[str, ...], dict[str, Any]] = {}
    columns = ["task", "attribute", "prompt", "gold"]
    for *values, run, prediction, correct in rows[[*columns, "run", "prediction", "correct"]].itertuples(index=False):
        content = dict(zip(columns, values, strict=True))
        question = questions.setdefault(tuple(map(str, values)), {**content, "answers": {}})
        question["answers"][run] = [str(prediction), bool(correct)]
    return list(questions.values())[:MAX_QUESTIONS]


def corpus_entries(lab: Path, runs: pd.DataFrame, people: list[int]) -> dict[int, dict[str, list[Any]]]:
    """Return for each person and corpus the entries: text and spans (attribute, start, end)."""
    import datasets

    datasets.disable_progress_bars()
    entries: dict[int, dict[str, list[Any]]] = {}
    manifests = load_manifests(lab)
    corpora = {
        corpus_folder(lab, manifests, run): name for run, name in zip(runs["run"], runs["corpus.name"], strict=True)
    }
    for folder, name in corpora.items():
        if folder is None:
            continue
        data = datasets.load_from_disk(str(folder))
        for row in data.select(np.flatnonzero(np.isin(np.array(data["person_id"]), people))):
            spans = [[span["attribute"], span["start"], span["end"]] for span in row["spans"]]
            entries.setdefault(row["person_id"], {}).setdefault(name, []).append([row["text"], spans])
    return entries


def corpus_folder(lab: Path, manifests: Manifests, run: str) -> Path | None:
    """Return the folder of the corpus that a run was trained on; None where it was removed."""
    keys = [step["key"] for step in run_steps(manifests, run) if step["step"] == "corpus"]
    return lab / "artifacts" / "corpus" / keys[0] if keys else None
