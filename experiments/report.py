"""All figures, runs and answers of a lab as one page without network: `python -m experiments.report`."""

import os
from pathlib import Path

import hydra
import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from omegaconf import DictConfig

from experiments.launch.config import CONF, register
from experiments.launch.errors import guarded
from experiments.report_page import figures, people, runs
from physics_lm import results

register()
COMMITTED = Path(CONF).parent / "reproduced"


def page(lab: Path, committed: Path = COMMITTED) -> str:
    """Return the page of a lab; figures that it has not drawn are taken from the `reproduced` folder."""
    rows = _rows(lab)
    shown = figures.shown(lab, committed)
    templates = Environment(
        loader=PackageLoader("experiments", "report_page"), autoescape=True, undefined=StrictUndefined
    )
    loader = templates.loader
    assert loader is not None
    style, script = (loader.get_source(templates, name)[0] for name in ("page.css", "page.js"))
    return templates.get_template("page.html.j2").render(
        figures=shown,
        scales=list(dict.fromkeys(one.scale for one in shown)),
        runs=runs.table(lab, rows),
        worlds=people.worlds(lab, rows) if len(rows) else [],
        style=style,
        script=script,
    )


def _rows(lab: Path) -> pd.DataFrame:
    try:
        return results.load(lab)
    except FileNotFoundError:
        return pd.DataFrame({"run": [], "seed": []})


def write(lab: Path) -> Path:
    """Write the page, replaced whole; return where it is."""
    lab.mkdir(parents=True, exist_ok=True)
    target, aside = lab / "report.html", lab / ".report.html"
    aside.write_text(page(lab), encoding="utf-8")
    os.replace(aside, target)
    return target


@hydra.main(version_base="1.3", config_path=CONF, config_name="config")
def main(config: DictConfig) -> None:
    """Write the page of the lab in paths.lab and say where it is."""
    print(guarded(lambda: write(Path(config.paths.lab))))


if __name__ == "__main__":
    main()
