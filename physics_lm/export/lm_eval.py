"""Question sets as a task folder for lm-evaluation-harness, which loads them wherever the folder lies."""

from pathlib import Path

import pandas as pd

LOADER = '''"""Loads the questions that lie beside this file."""

from pathlib import Path

import datasets


def questions(file, **settings):
    return datasets.load_dataset("json", data_files={"test": str(Path(__file__).parent / file)})
'''
TASK = """tag: physics_lm
custom_dataset: !function loader.questions
test_split: test
output_type: loglikelihood
doc_to_text: "{{prompt}}"
doc_to_target: "{{' ' + gold}}"
metric_list:
  - {metric: acc, aggregation: mean, higher_is_better: true}
metadata: {version: 1.0}
"""


def write(folder: Path, asked: pd.DataFrame, end: str) -> list[str]:
    """Write questions (task, split, prompt, gold), a task for each task and split; return the tasks' names.

    An answer counts as right where every token of it is the most likely one (`acc`), as in this lab. end:
    the end token, with which every question begins. Questions that want a hint before the answer are left out.
    """
    asked = asked[asked["hint"] == ""]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "loader.py").write_text(LOADER)
    names = []
    for (task, split), part in asked.groupby(["task", "split"], sort=False):
        name = f"physics_lm_{task}_{split}"
        part.assign(prompt=end + part["prompt"]).to_json(folder / f"{name}.jsonl", orient="records", lines=True)
        (folder / f"{name}.yaml").write_text(f"task: {name}\ndataset_kwargs: {{file: {name}.jsonl}}\n{TASK}")
        names.append(name)
    return names
