"""Export a run for the hub and for lm-evaluation-harness: `python -m experiments.export corpus=multi5_permute`."""

import shlex
from pathlib import Path

from omegaconf import DictConfig

from data_gen.errors import ConfigError
from experiments.launch.config import run_config
from experiments.launch.hydra_internals import command
from physics_lm import checks
from physics_lm.plan import plan
from physics_lm.run import complete
from physics_lm.store.artifacts import Store
from physics_lm.subject import Subject


def export_run(config: DictConfig) -> Path:
    """Write the dataset, the model and the tasks of a finished run; return the folder that they are in.

    Tasks are left out for a run that asks about facts, and for a bidirectional model, since the harness needs a
    causal one. Raises ConfigError where the run was not executed yet, or parts of it were removed.
    """
    run, store = run_config(config), Store(Path(config.paths.lab))
    checks.check(run)
    chain = plan(run)
    if not complete(store, chain):
        raise ConfigError("export: this run is not in the lab yet; make it with experiments.run and the same settings")
    if not (store.has(chain.entries) and store.has(chain.tokenizer) and store.has(chain.model)):
        raise ConfigError("export: entries, tokenizer or model of this run were removed; remove its rows and run again")
    import datasets
    import pandas as pd

    from data_gen.questions.question import SPLITS
    from physics_lm import results
    from physics_lm.data import compact_vocabulary
    from physics_lm.export import hub, lm_eval
    from physics_lm.objectives._shared import causality

    folder, subject = store.lab / "export" / f"{hub.run_name(run)}-{chain.rows.key[:8]}", Subject(run, chain, store)
    tables = {
        "people": pd.concat([hub.people_table(world) for world in subject.worlds], ignore_index=True),
        "biographies": datasets.load_from_disk(str(store.folder(chain.entries))).to_pandas(),
    }
    if not chain.get("facts"):  # where there are facts, the probe asks about them and not about people
        tables["questions"] = hub.questions_table(item for split in SPLITS for item in subject.questions(split))
    hub.write_dataset(folder / "dataset", tables, run)
    original = store.folder(chain.tokenizer) / compact_vocabulary.ORIGINAL if run.tokenizer.compact else None
    rows = results.load(store.lab, [chain.rows.key])
    hub.write_model(folder / "model", store.folder(chain.model), rows, run, original)
    if "questions" in tables and not causality.is_bidirectional(subject.model):
        lm_eval.write_tasks(folder / "lm_eval", tables["questions"], str(subject.tokenizer.eos_token))
    return folder


@command
def main(config: DictConfig) -> None:
    """Export the run that the command line describes, and print the folder and the command of the harness."""
    folder = export_run(config)
    print(folder)
    if (tasks := folder / "lm_eval").exists():
        model = shlex.quote(f"pretrained={folder / 'model'}")
        print(f"lm_eval --model hf --model_args {model} --tasks physics_lm --include_path {shlex.quote(str(tasks))}")
    else:
        print("no lm_eval tasks: the run asks about facts, or its model is bidirectional")


if __name__ == "__main__":
    main()
