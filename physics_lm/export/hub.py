"""Folders that are ready for the Hugging Face hub: a dataset with a config for each table, a model, and their cards."""

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
from physics_lm import checkpoints, results
from physics_lm.config.columns import settings_columns
from physics_lm.config.model import ShapeConfig
from physics_lm.config.run import RunConfig
from physics_lm.data import tokenizers
from physics_lm.export.expand_vocabulary import expand_vocabulary
from physics_lm.store.artifacts import MANIFEST, digest

CARDS = Path(__file__).parent / "cards"
COMMON = {"license": "apache-2.0", "language": "en", "tags": ["synthetic", "biographies", "knowledge"]}


def run_name(config: RunConfig) -> str:
    """Return a run's model, corpus, steps and seed as a name, e.g. `gpt2_rotary-3x128-multi5_permute-1000-s0`."""
    model = config.model
    shape = f"-{model.layers}x{model.width}" if isinstance(model, ShapeConfig) else ""
    return f"{model.kind}{shape}-{config.corpus.name}-{config.pretrain.steps}-s{config.seed}"


def people_table(world: World) -> pd.DataFrame:
    """Return a row per person of a world: person_id, split, name, and a column for each attribute."""
    people = [(world.person_id(row), world.split(row), world.name(row)) for row in range(len(world))]
    values = {attribute: [world.value(attribute, row) for row in range(len(world))] for attribute in NAMES}
    return pd.DataFrame(people, columns=["person_id", "split", "name"]).assign(**values)


def questions_table(questions: Iterable[Question]) -> pd.DataFrame:
    """Return a row per question: the fields of `Question`, with `person` as person_id."""
    return pd.DataFrame([asdict(question) for question in questions]).rename(columns={"person": "person_id"})


def write_dataset(folder: Path, tables: Mapping[str, pd.DataFrame], config: RunConfig) -> None:
    """Write tables as parquet, a dataset config each, with a card: sizes, sha256, settings, licence."""
    folder.mkdir(parents=True, exist_ok=True)
    entries, configs = [], []
    for table, rows in tables.items():
        path = folder / f"{table}.parquet"
        rows.to_parquet(path, index=False)
        entries.append(file_entry(path, len(rows)))
        files = [{"split": "train", "path": path.name}]
        # the description holds the sha256, since `datasets` tells two folders apart by it in its cache
        configs.append({"config_name": table, "description": entries[-1]["sha256"], "data_files": files})
    settings = settings_columns(config).items()
    DatasetCard.from_template(
        DatasetCardData(**COMMON, pretty_name=f"Synthetic biographies: {config.corpus.name}", configs=configs),
        template_path=str(CARDS / "dataset.md.j2"),
        corpus=config.corpus.name,
        tables=entries,
        settings={name: value for name, value in settings if name.startswith(("seed", "world.", "corpus."))},
    ).save(folder / "README.md")


def write_model(
    folder: Path, checkpoint: Path, rows: pd.DataFrame, config: RunConfig, original: Path | None = None
) -> None:
    """Copy a checkpoint and give it a card: metrics with intervals, sizes, sha256, settings, licence.

    rows: those of the run's probe; held-out accuracies become the card's metrics. original: the tokenizer that a
    compact one was cut from; the exported model is expanded to its vocabulary.
    """
    if original is None:
        shutil.copytree(checkpoint, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(MANIFEST, "*.parquet"))
    else:
        model, tokenizer = expand_vocabulary(checkpoint, tokenizers.load(original))
        checkpoints.save(folder, checkpoints.Trained(model), tokenizer)
    scores = results.tidy(rows).query("attribute == 'mean'").to_dict("records")
    scores = [{**score, "task": _task_label(score)} for score in scores]
    ModelCard.from_template(
        ModelCardData(
            **COMMON,
            library_name="transformers",
            pipeline_tag="text-generation",
            model_name=run_name(config),
            eval_results=[_metric(score) for score in scores if score["split"] == "test"],
        ),
        template_path=str(CARDS / "model.md.j2"),
        title=run_name(config),
        corpus=config.corpus.name,
        parameters=json.loads((checkpoint / MANIFEST).read_text())["parameters"],
        scores=scores,
        files=[file_entry(path) for path in sorted(folder.glob("*.safetensors"))],
        settings=settings_columns(config),
    ).save(folder / "README.md")


def _task_label(score: Mapping[Any, Any]) -> str:
    """Return a task with the variant that was scored, e.g. `month, hinted` or `extraction, step 200`."""
    variants = {name: score[name] for name in results.VARIANTS if name in score and not pd.isna(score[name])}
    marks = [name if value is True else f"{name} {value:g}" for name, value in variants.items() if value is not False]
    return ", ".join([score["task"], *marks])


def _metric(score: Mapping[Any, Any]) -> EvalResult:
    return EvalResult(
        task_type="question-answering",
        dataset_type="synthetic-biographies",
        dataset_name=f"{score['task']}, held-out people",
        dataset_config=score["task"],  # the card merges entries that differ in their names alone
        dataset_split="test",
        metric_type="exact_match",
        metric_value=round(score["accuracy"], 2),
        metric_args={"low": round(score["low"], 2), "high": round(score["high"], 2)},
    )


def file_entry(path: Path, rows: int = 0) -> dict[str, Any]:
    """Return a file's name (of a table: without its suffix), rows, bytes and sha256."""
    name = path.stem if path.suffix == ".parquet" else path.name
    return {"name": name, "rows": rows, "bytes": path.stat().st_size, "sha256": digest(path)}
