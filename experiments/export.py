"""A run ready for the hub and for lm-evaluation-harness: `python -m experiments.export corpus=multi5_permute`."""

import shlex
from pathlib import Path

import hydra
from omegaconf import DictConfig

from data_gen.errors import ConfigError
from experiments.launch.config import CONF, register, run_config
from experiments.launch.errors import guarded
from physics_lm import checks, plan
from physics_lm import run as pipeline
from physics_lm.store.artifacts import Store

register()


def export(config: DictConfig) -> Path:
    """Write dataset, model and tasks of a run that is there; return the folder.

    No tasks for a run that asks about facts, or whose model reads both ways: the harness asks from left to right.
    Raises ConfigError where the run was not made yet, or parts of it were removed.
    """
    run, store = run_config(config), Store(Path(config.paths.lab))
    checks.check(run)
    specs = plan.plan(run)
    if not pipeline.complete(store, specs):
        raise ConfigError("export: this run is not in the lab yet; make it with experiments.run and the same settings")
    if not (store.has(specs.read) and store.has(specs.tokenizer) and store.has(specs.model)):
        raise ConfigError(
            "export: entries, tokenizer or model of this run were removed; remove its rows, and run again"
        )
    import datasets
    import pandas as pd

    from data_gen.questions.question import SPLITS
    from physics_lm import results
    from physics_lm.data import compact, tokenizers
    from physics_lm.export import hub, lm_eval
    from physics_lm.models import direction
    from physics_lm.steps import Job

    folder, job = store.lab / "export" / f"{hub.name(run)}-{specs.probe.key[:8]}", Job(run, specs, store)
    tables = {
        "people": pd.concat([hub.people(world) for world in job.worlds], ignore_index=True),
        "biographies": datasets.load_from_disk(str(store.folder(specs.read))).to_pandas(),
    }
    if specs.facts is None:  # else facts were asked about, and not people
        tables["questions"] = hub.questions(one for split in SPLITS for one in job.asked(run.questions, split))
    hub.dataset(folder / "dataset", tables, run)
    cut = store.folder(specs.tokenizer) / compact.ORIGINAL if run.tokenizer.compact else None
    hub.model(folder / "model", store.folder(specs.model), results.load(store.lab, [specs.probe.key]), run, cut)
    if "questions" in tables and not direction.both_ways(job.model):
        end = str(tokenizers.load(store.folder(specs.model)).eos_token)
        lm_eval.write(folder / "lm_eval", tables["questions"], end)
    return folder


@hydra.main(version_base="1.3", config_path=CONF, config_name="config")
def main(config: DictConfig) -> None:
    """Export what the command line says and print where it is."""
    folder = guarded(lambda: export(config))
    print(folder)
    if (tasks := folder / "lm_eval").exists():
        model = shlex.quote(f"pretrained={folder / 'model'}")
        print(f"lm_eval --model hf --model_args {model} --tasks physics_lm --include_path {shlex.quote(str(tasks))}")
    else:
        print("no lm_eval tasks: the run asks about facts, or its model reads both ways")


if __name__ == "__main__":
    main()
