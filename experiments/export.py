"""A run ready for the hub and for lm-evaluation-harness: `python -m experiments.export corpus=multi5_permute`."""

from pathlib import Path

import hydra
from omegaconf import DictConfig

from data_gen.config import ConfigError
from experiments.config import CONF, guarded, register, run_config
from physics_lm import checks, pipeline
from physics_lm.artifacts import Store

register()


def export(config: DictConfig) -> Path:
    """Write dataset, model and tasks of a run that is there; return the folder.

    Raises ConfigError where the run was not made yet.
    """
    run, store = run_config(config), Store(Path(config.paths.lab))
    checks.check(run)
    specs = pipeline.plan(run)
    if not pipeline.complete(store, specs):
        raise ConfigError("export: this run is not in the lab yet; make it with experiments.run and the same settings")
    import datasets

    from data_gen import world
    from physics_lm import compact, harness, hub, results, tokenizers

    folder, people = store.lab / "export" / f"{hub.name(run)}-{specs.probe.key[:8]}", world.make(run.world, run.seed)
    told = datasets.load_from_disk(str(store.folder(specs.corpus))).to_pandas()
    asked = hub.questions(people, run)
    hub.dataset(folder / "dataset", {"people": hub.people(people), "biographies": told, "questions": asked}, run)
    cut = store.folder(specs.tokenizer) / compact.ORIGINAL if run.tokenizer.compact else None
    hub.model(folder / "model", store.folder(specs.model), results.load(store.lab, [specs.probe.key]), run, cut)
    end = str(tokenizers.load(store.folder(specs.model)).eos_token)
    harness.write(folder / "lm_eval", asked, end)
    return folder


@hydra.main(version_base="1.3", config_path=CONF, config_name="config")
def main(config: DictConfig) -> None:
    """Export what the command line says and print where it is."""
    folder = guarded(lambda: export(config))
    print(folder)
    tasks = f"--tasks physics_lm --include_path {folder / 'lm_eval'}"
    print(f"lm_eval --model hf --model_args pretrained={folder / 'model'} {tasks}")


if __name__ == "__main__":
    main()
