"""The figures of the report page, read from their folders: no figure's name is written here."""

import base64
import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.figures import SCALES
from experiments.launch.config import CONF


@dataclass(frozen=True)
class PageFigure:
    """A figure at one scale, with the fields that the page's template reads.

    source: `lab`, or `reproduced` for a committed figure. about: what it shows. image: a data URI. header, cells: its
    table.
    """

    name: str
    scale: str
    source: str
    about: str
    image: str
    claims: list[dict[str, Any]]
    header: list[str]
    cells: list[list[str]]
    manifest: dict[str, Any]

    @property
    def id(self) -> str:
        """The HTML anchor of the figure."""
        return f"{self.scale}-{self.name}"

    @property
    def verdicts(self) -> dict[str, int]:
        """The number of claims that hold, that fail and that are open, because they were not judged."""
        holds = [claim["holds"] for claim in self.claims]
        return {"holds": holds.count(True), "fails": holds.count(False), "open": holds.count(None)}

    @property
    def command(self) -> str:
        """The command that drew the figure."""
        default = f"python -m experiments.reproduce figure={self.name} scale={self.scale}"
        return str(self.manifest.get("command", default))

    @property
    def config(self) -> str:
        """The figure's config as JSON; empty where the manifest holds none."""
        return json.dumps(self.manifest["config"], indent=1) if "config" in self.manifest else ""


def collect_figures(lab: Path, committed: Path) -> list[PageFigure]:
    """Return every figure of a lab and the committed ones that the lab has not drawn, the largest scale first."""
    figures = {
        (path.parent.parent.name, path.parent.name): read_figure(path.parent, source)
        for source, folder in (("reproduced", committed), ("lab", lab / "figures"))
        for path in sorted(folder.glob("*/*/claims.json"))
    }
    ranks = {scale: -number for number, scale in enumerate(SCALES)}
    return sorted(figures.values(), key=lambda figure: (ranks.get(figure.scale, -len(SCALES)), figure.name))


def read_figure(folder: Path, source: str) -> PageFigure:
    """Return the figure of a folder; fields whose files are missing are empty."""
    name, scale = folder.name, folder.parent.name
    image, table, manifest = (folder / file for file in ("figure.png", "table.csv", "manifest.json"))
    rows = list(csv.reader(table.read_text(encoding="utf-8").splitlines())) if table.exists() else [[]]
    data = "data:image/png;base64," + base64.b64encode(image.read_bytes()).decode() if image.exists() else ""
    claims = json.loads((folder / "claims.json").read_text(encoding="utf-8"))
    settings = json.loads(manifest.read_text(encoding="utf-8")) if manifest.exists() else {}
    return PageFigure(name, scale, source, description(name), data, claims, rows[0], rows[1:], settings)


def description(name: str) -> str:
    """Return the description of a figure: the first line of its yaml; empty where it has none."""
    path = Path(CONF) / "figure" / f"{name}.yaml"
    first = path.read_text(encoding="utf-8").partition("\n")[0] if path.exists() else ""
    return first.removeprefix("#").strip() if first.startswith("#") else ""
