"""All figures, runs and answers of a lab as one HTML page that needs no network: `python -m experiments.report`."""

import os
from pathlib import Path

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from omegaconf import DictConfig

from experiments.launch.config import CONF
from experiments.launch.hydra_internals import command
from experiments.report_page import figures, people, runs
from physics_lm import results

COMMITTED = Path(CONF).parent / "reproduced"


def render_page(lab: Path, committed: Path = COMMITTED) -> str:
    """Return the page of a lab; figures that the lab has not drawn come from the `committed` folder."""
    rows, drawn = _load_rows(lab), figures.collect_figures(lab, committed)
    loader = PackageLoader("experiments", "report_page")
    templates = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
    style, script = (loader.get_source(templates, name)[0] for name in ("page.css", "page.js"))
    return templates.get_template("page.html.j2").render(
        figures=drawn,
        scales=list(dict.fromkeys(figure.scale for figure in drawn)),
        runs=runs.table(lab, rows),
        worlds=people.worlds(lab, rows) if len(rows) else [],
        style=style,
        script=script,
    )


def _load_rows(lab: Path) -> pd.DataFrame:
    try:
        return results.load(lab)
    except FileNotFoundError:
        return pd.DataFrame({"run": [], "seed": []})


def write_page(lab: Path) -> Path:
    """Write the page atomically and return its path."""
    lab.mkdir(parents=True, exist_ok=True)
    target, temporary = lab / "report.html", lab / ".report.html"
    temporary.write_text(render_page(lab), encoding="utf-8")
    os.replace(temporary, target)
    return target


@command
def main(config: DictConfig) -> None:
    """Write the page of the lab in paths.lab and print its path."""
    print(write_page(Path(config.paths.lab)))


if __name__ == "__main__":
    main()
