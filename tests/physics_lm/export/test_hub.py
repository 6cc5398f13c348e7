"""Exported datasets, models, cards and harness tasks."""

import json

import datasets
import pandas as pd
import pytest
from huggingface_hub import DatasetCard, ModelCard
from transformers import AutoModelForCausalLM, AutoTokenizer

from data_gen.errors import ConfigError
from experiments import export
from experiments.launch import hydra_internals
from experiments.launch.jobs import execute_config
from physics_lm import results
from physics_lm.config.run import RunConfig
from physics_lm.export import hub


def words(lab):
    return ["scale=smoke", f"paths.lab={lab}", "corpus=multi2_permute"]


@pytest.fixture(scope="module")
def exported(lab, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported")
    (folder / "artifacts").symlink_to(lab.path / "artifacts")
    return export.export_run(hydra_internals.compose(words(folder)))


def test_a_run_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"experiments\.run"):
        export.export_run(hydra_internals.compose(words(tmp_path)))


@pytest.mark.parametrize("table", ["people", "biographies", "questions"])
def test_every_table_is_a_config_of_the_dataset(exported, lab, tmp_path, table):
    data = datasets.load_dataset(str(exported / "dataset"), table, split="train", cache_dir=str(tmp_path))
    sizes = {"people": len(lab.world), "biographies": len(lab.entries), "questions": len(lab.questions)}
    assert len(data) == sizes[table]
    card = DatasetCard.load(exported / "dataset" / "README.md")
    assert card.data.license == "apache-2.0"
    assert {config["config_name"] for config in card.data.configs} == {"people", "biographies", "questions"}
    path = exported / "dataset" / f"{table}.parquet"
    assert f"| `{table}` | {sizes[table]:,} | {path.stat().st_size:,} | `{hub.digest(path)}` |" in card.text
    assert "| `corpus.entries` | 2 |" in card.text


def test_two_exports_are_two_datasets(tmp_path):
    seeds = []
    for seed in (0, 1):
        folder = tmp_path / str(seed) / "dataset"
        hub.write_dataset(folder, {"people": pd.DataFrame({"seed": [seed]})}, RunConfig())
        data = datasets.load_dataset(str(folder), "people", split="train", cache_dir=str(tmp_path / "cache"))
        seeds.append(data["seed"][0])
    assert seeds == [0, 1]


def test_questions_are_those_of_the_run(tmp_path, smoke):
    """Celebrities alone are trained on, and what is to be answered after a hint is no task of the harness."""
    hinted = ["questions=classification", "questions.hint=half", "probe=manipulation"]
    for words in (["beside=celebrities", "beside.people=8"], hinted, ["facts=names", "probe=reversal"]):
        config = hydra_internals.compose(["scale=smoke", f"paths.lab={tmp_path}", "corpus=single_permute1", *words])
        rows = results.load(tmp_path, [execute_config(config)])
        folder = export.export_run(config)
        tables = {path.stem: pd.read_parquet(path) for path in (folder / "dataset").glob("*.parquet")}
        assert set(tables["biographies"]["person_id"]) == set(tables["people"]["person_id"])
        if words[0] == "facts=names":
            assert set(tables) == {"people", "biographies"}
            assert not (folder / "lm_eval").exists()
            continue
        questions = rows[rows["task"] != "biography"]
        assert set(tables["questions"]["prompt"]) >= set(questions["prompt"])
        if words is hinted:
            texts = [path.read_text() for path in (folder / "lm_eval").glob("*.jsonl")]
            assert texts
            assert not any("<|hint|>" in text for text in texts)
        card = ModelCard.load(folder / "model" / "README.md")
        assert len({metric.dataset_name for metric in card.data.eval_results}) == len(card.data.eval_results)


def test_the_people_are_those_of_the_world(exported, lab):
    people = pd.read_parquet(exported / "dataset" / "people.parquet")
    assert people["name"].tolist() == [lab.world.name(row) for row in range(len(lab.world))]
    assert people["major"].tolist() == [lab.world.value("major", row) for row in range(len(lab.world))]


def test_the_model_loads_and_its_card_holds_the_accuracies(exported, lab):
    model = AutoModelForCausalLM.from_pretrained(exported / "model")
    assert len(AutoTokenizer.from_pretrained(exported / "model")) <= model.config.vocab_size
    card = ModelCard.load(exported / "model" / "README.md")
    rows = results.load(lab.path)
    test = rows[(rows["task"] == "extraction") & (rows["split"] == "test")]
    metrics = {metric.dataset_name: metric.metric_value for metric in card.data.eval_results}
    assert metrics["extraction, held-out people"] == round(results.clustered(test).value, 2)
    assert hub.digest(exported / "model" / "model.safetensors") in card.text
    assert "| `pretrain.steps` | 12 |" in card.text
    assert not list((exported / "model").glob("*.parquet"))


def test_every_question_is_a_line_of_a_task(exported, lab):
    for split in ("train", "test"):
        name = f"physics_lm_extraction_{split}"
        lines = [json.loads(line) for line in (exported / "lm_eval" / f"{name}.jsonl").read_text().splitlines()]
        questions = [question for question in lab.questions if question.split == split]
        assert [line["prompt"] for line in lines] == [f"<|endoftext|>{question.prompt}" for question in questions]
        assert [line["gold"] for line in lines] == [question.gold for question in questions]
        assert (exported / "lm_eval" / f"{name}.yaml").read_text().startswith(f"task: {name}\n")


@pytest.mark.slow
def test_the_harness_computes_the_accuracy_of_the_lab(tmp_path, smoke):
    """On a checkpoint that knows some answers and not others; every question's log-probability, too."""
    lm_eval = pytest.importorskip("lm_eval", reason="pip install 'physics-lm[harness]'")
    from lm_eval.tasks import TaskManager

    config = hydra_internals.compose(
        [*words(tmp_path), "finetune.steps=200", "finetune.lr=5e-3", "finetune.save_every=200"]
    )
    key = execute_config(config)
    folder = export.export_run(config)
    rows = results.load(tmp_path, [key])
    rows = rows[rows["task"] == "extraction"]
    assert 0.05 < rows["correct"].mean() < 0.95, "the test would show nothing"
    report = lm_eval.simple_evaluate(
        model="hf", model_args=f"pretrained={folder / 'model'},dtype=float32", tasks=["physics_lm"], device="cpu",
        task_manager=TaskManager(include_path=str(folder / "lm_eval")), batch_size=16, bootstrap_iters=0,
    )  # fmt: skip
    for split in ("train", "test"):
        name, split_rows = f"physics_lm_extraction_{split}", rows[rows["split"] == split]
        assert report["results"][name]["acc,none"] == pytest.approx(split_rows["correct"].mean(), abs=1e-9)
        theirs = {
            sample["doc"]["prompt"].removeprefix("<|endoftext|>"): sample["resps"][0][0]
            for sample in report["samples"][name]
        }
        ours = split_rows.set_index("prompt")["gold_logprob"]
        assert len(theirs) == len(ours)
        for prompt, (logprob, _) in theirs.items():
            assert float(logprob) == pytest.approx(ours[prompt], abs=1e-3)
