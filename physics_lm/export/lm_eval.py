"""Question sets as a task folder for lm-evaluation-harness, which may lie anywhere."""

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


def write_tasks(folder: Path, questions: pd.DataFrame, end: str) -> list[str]:
    """Write a table of questions (task, split, prompt, gold, hint) as harness tasks; return the tasks' names.

    There is one harness task for each task and split. An answer is right where each of its tokens is the most likely
    one (`acc`), as in this lab. end: the end token, put before every prompt. Questions with a hint are left out.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "loader.py").write_text(LOADER)
    names = []
    for (task, split), group in questions[questions["hint"] == ""].groupby(["task", "split"], sort=False):
        name = f"physics_lm_{task}_{split}"
        group.assign(prompt=end + group["prompt"]).to_json(folder / f"{name}.jsonl", orient="records", lines=True)
        (folder / f"{name}.yaml").write_text(f"task: {name}\ndataset_kwargs: {{file: {name}.jsonl}}\n{TASK}")
        names.append(name)
    return names
