"""Folders that are ready for the hub: a dataset with a config for each table, a model, and their cards."""

import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
from huggingface_hub import DatasetCard, DatasetCardData, EvalResult, ModelCard, ModelCardData

from data_gen.people.attributes import NAMES
from data_gen.people.world import World
from data_gen.questions.question import Question
from physics_lm import results
from physics_lm.config.columns import settings_columns
from physics_lm.config.run import RunConfig
from physics_lm.data import tokenizers
from physics_lm.export import expand
from physics_lm.store.artifacts import MANIFEST, digest

CARDS = Path(__file__).parent / "cards"
COMMON = {"license": "apache-2.0", "language": "en", "tags": ["synthetic", "biographies", "knowledge"]}


def name(config: RunConfig) -> str:
    """Return a name that says model, corpus and seed, e.g. `gpt2_rotary-3x128-multi5_permute-1000-s0`."""
    shape = f"{config.model.layers}x{config.model.width}"
    return f"{config.model.kind}-{shape}-{config.corpus.name}-{config.pretrain.steps}-s{config.seed}"


def people(world: World) -> pd.DataFrame:
    """Return a row per person of a world: person_id, split, name, and a column for each attribute."""
    told = {attribute: [world.value(attribute, row) for row in range(len(world))] for attribute in NAMES}
    who = [(world.person(row), world.split(row), world.name(row)) for row in range(len(world))]
    return pd.DataFrame(who, columns=["person_id", "split", "name"]).assign(**told)


def questions(asked: Iterable[Question]) -> pd.DataFrame:
    """Return a row per question: task, person_id, attribute, split, prompt, gold."""
    return pd.DataFrame([asdict(question) for question in asked]).rename(columns={"person": "person_id"})


def dataset(folder: Path, tables: Mapping[str, pd.DataFrame], config: RunConfig) -> None:
    """Write tables as parquet, a config each, with a card: sizes, sha256, settings, licence."""
    folder.mkdir(parents=True, exist_ok=True)
    for table, rows in tables.items():
        rows.to_parquet(folder / f"{table}.parquet", index=False)
    shown = [described(folder / f"{table}.parquet", len(rows)) for table, rows in tables.items()]
    data = DatasetCardData(
        **COMMON,
        pretty_name=f"Synthetic biographies: {config.corpus.name}",
        # what it holds is in its description, by which `datasets` keeps two folders apart in its cache
        configs=[
            {
                "config_name": one["name"],
                "description": one["sha256"],
                "data_files": [{"split": "train", "path": f"{one['name']}.parquet"}],
            }
            for one in shown
        ],
    )
    card = DatasetCard.from_template(
        data,
        template_path=str(CARDS / "dataset.md.j2"),
        corpus=config.corpus.name,
        tables=shown,
        settings={
            key: value
            for key, value in settings_columns(config).items()
            if key.startswith(("seed", "world.", "corpus."))
        },
    )
    card.save(folder / "README.md")


def model(folder: Path, checkpoint: Path, rows: pd.DataFrame, config: RunConfig, original: Path | None = None) -> None:
    """Copy a checkpoint and give it a card: metrics with intervals, sizes, sha256, settings, licence.

    rows: what the run's probe asked; held-out accuracies become the card's metrics. original: the tokenizer that a
    compact one was cut from, over which the exported model is spread out again.
    """
    if original is None:
        shutil.copytree(checkpoint, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(MANIFEST, "*.parquet"))
    else:
        for part in expand.expand(checkpoint, tokenizers.load(original)):
            part.save_pretrained(folder)
    found = results.tidy(rows)
    scores = found[found["attribute"] == "mean"]
    scores = scores.assign(task=[_title(line) for line in scores.to_dict("records")])
    data = ModelCardData(
        **COMMON,
        library_name="transformers",
        pipeline_tag="text-generation",
        model_name=name(config),
        eval_results=[_metric(line) for line in scores.to_dict("records") if line["split"] == "test"],
    )
    card = ModelCard.from_template(
        data,
        template_path=str(CARDS / "model.md.j2"),
        title=name(config),
        corpus=config.corpus.name,
        parameters=json.loads((checkpoint / MANIFEST).read_text())["parameters"],
        scores=scores.to_dict("records"),
        files=[described(path) for path in sorted(folder.glob("*.safetensors"))],
        settings=settings_columns(config),
    )
    card.save(folder / "README.md")


def _title(line: Mapping[Any, Any]) -> str:
    """Return a task with what tells its rows apart, e.g. `month, hinted` or `extraction, step 200`."""
    told = {name: line[name] for name in results.APART if name in line and line[name] == line[name]}
    marks = [name if value is True else f"{name} {value:g}" for name, value in told.items() if value is not False]
    return ", ".join([line["task"], *marks])


def _metric(line: Mapping[Any, Any]) -> EvalResult:
    return EvalResult(
        task_type="question-answering",
        dataset_type="synthetic-biographies",
        dataset_name=f"{line['task']}, held-out people",
        dataset_config=line["task"],  # entries that differ in their names alone are written as one
        dataset_split="test",
        metric_type="exact_match",
        metric_value=round(line["accuracy"], 2),
        metric_args={"low": round(line["low"], 2), "high": round(line["high"], 2)},
    )


def described(path: Path, rows: int = 0) -> dict[str, Any]:
    """Return a file's name without its ending where it is a table, rows, bytes and sha256."""
    name = path.stem if path.suffix == ".parquet" else path.name
    return {"name": name, "rows": rows, "bytes": path.stat().st_size, "sha256": digest(path)}
