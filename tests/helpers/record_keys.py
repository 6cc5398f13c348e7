"""The keys of every figure's arms at every scale: `python tests/helpers/record_keys.py` writes tests/keys.json.

A key decides which artifact a run finds. One that changes without its step's version makes every lab train anew.
"""

import json
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from experiments.launch import hydra_internals
from experiments.launch.arms import arm_overrides, figure_names
from experiments.launch.config import CONF, register, run_config
from physics_lm import checks
from physics_lm.plan import plan

FILE = Path(__file__).parents[1] / "keys.json"
DIGITS = 12  # of the keys before the last


def scales() -> list[str]:
    return sorted(path.stem for path in (Path(CONF) / "scale").glob("*.yaml"))


def known(figure: str, scale: str, arms: str = "known") -> dict[str, list[str]]:
    """Return a figure's arms at a scale and their overrides; arms: `known` for every one, or `default`."""
    config = hydra_internals.compose([f"figure={figure}", f"scale={scale}"])
    if arms == "known":
        config.figure.arms = list(config.figure.known)
    return {arm: overrides for (arm, _), overrides in arm_overrides(config, []).items()}


def chain(overrides: list[str]) -> str:
    """Return the keys of a run's steps as text, the last one whole."""
    run = run_config(hydra_internals.compose(overrides))
    checks.check(run)
    *before, last = plan(run).steps
    return " ".join([*(f"{step.step}:{step.key[:DIGITS]}" for step in before), f"{last.step}:{last.key}"])


def chains(figure: str, scale: str) -> dict[str, str]:
    return {arm: chain(overrides) for arm, overrides in known(figure, scale).items()}


def record() -> None:
    register()
    pairs = [(figure, scale) for figure in figure_names() for scale in scales()]
    with ProcessPoolExecutor() as pool:
        written = dict(zip(pairs, pool.map(chains, *zip(*pairs, strict=True)), strict=True))
    keys = {figure: {scale: written[figure, scale] for scale in scales()} for figure in figure_names()}
    FILE.write_text(json.dumps(keys, indent=1) + "\n")


if __name__ == "__main__":
    record()
