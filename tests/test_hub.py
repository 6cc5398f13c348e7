import json

import datasets
import pandas as pd
import pytest
from huggingface_hub import DatasetCard, ModelCard
from transformers import AutoModelForCausalLM, AutoTokenizer

from data_gen.config import ConfigError
from experiments import export, sweep
from physics_lm import hub, results


def words(lab):
    return ["scale=smoke", f"paths.lab={lab}", "corpus=multi2_permute"]


@pytest.fixture(scope="module")
def exported(lab, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported")
    (folder / "artifacts").symlink_to(lab.path / "artifacts")
    return export.export(sweep.compose(words(folder)))


def test_a_run_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"experiments\.run"):
        export.export(sweep.compose(words(tmp_path)))


@pytest.mark.parametrize("table", ["people", "biographies", "questions"])
def test_every_table_is_a_config_of_the_dataset(exported, lab, tmp_path, table):
    data = datasets.load_dataset(str(exported / "dataset"), table, split="train", cache_dir=str(tmp_path))
    sizes = {"people": len(lab.world), "biographies": len(lab.entries), "questions": len(lab.questions)}
    assert len(data) == sizes[table]
    card = DatasetCard.load(exported / "dataset" / "README.md")
    assert card.data.license == "apache-2.0"
    assert {one["config_name"] for one in card.data.configs} == {"people", "biographies", "questions"}
    path = exported / "dataset" / f"{table}.parquet"
    assert f"| `{table}` | {sizes[table]:,} | {path.stat().st_size:,} | `{hub.digest(path)}` |" in card.text
    assert "| `corpus.entries` | 2 |" in card.text


def test_the_people_are_those_of_the_world(exported, lab):
    people = pd.read_parquet(exported / "dataset" / "people.parquet")
    assert people["name"].tolist() == [lab.world.name(row) for row in range(len(lab.world))]
    assert people["major"].tolist() == [lab.world.value("major", row) for row in range(len(lab.world))]


def test_the_model_loads_and_its_card_holds_what_was_measured(exported, lab):
    model = AutoModelForCausalLM.from_pretrained(exported / "model")
    assert len(AutoTokenizer.from_pretrained(exported / "model")) <= model.config.vocab_size
    card = ModelCard.load(exported / "model" / "README.md")
    rows = results.load(lab.path)
    test = rows[(rows["task"] == "extraction") & (rows["split"] == "test")]
    metrics = {one.dataset_name: one.metric_value for one in card.data.eval_results}
    assert metrics["extraction, held-out people"] == round(results.clustered(test).value, 2)
    assert hub.digest(exported / "model" / "model.safetensors") in card.text
    assert "| `pretrain.steps` | 12 |" in card.text
    assert not list((exported / "model").glob("*.parquet"))


def test_every_question_is_a_line_of_a_task(exported, lab):
    for split in ("train", "test"):
        name = f"physics_lm_extraction_{split}"
        lines = [json.loads(line) for line in (exported / "lm_eval" / f"{name}.jsonl").read_text().splitlines()]
        wanted = [question for question in lab.questions if question.split == split]
        assert [line["prompt"] for line in lines] == [f"<|endoftext|>{question.prompt}" for question in wanted]
        assert [line["gold"] for line in lines] == [question.gold for question in wanted]
        assert (exported / "lm_eval" / f"{name}.yaml").read_text().startswith(f"task: {name}\n")
