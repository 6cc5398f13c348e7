"""Every figure that was drawn, read from its folder: no figure is known by name here."""

import base64
import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.figures import SCALES
from experiments.launch.config import CONF


@dataclass(frozen=True)
class Shown:
    """A figure at a scale, as the page shows it.

    where: `lab`, or `reproduced` for one that is committed. image: a data URI. header, cells: its table.
    """

    name: str
    scale: str
    where: str
    about: str
    image: str
    claims: list[dict[str, Any]]
    header: list[str]
    cells: list[list[str]]
    manifest: dict[str, Any]

    @property
    def id(self) -> str:
        """The anchor on the page."""
        return f"{self.scale}-{self.name}"

    @property
    def verdicts(self) -> dict[str, int]:
        """How many claims hold, do not, and are not carried."""
        holds = [claim["holds"] for claim in self.claims]
        return {"holds": holds.count(True), "fails": holds.count(False), "open": holds.count(None)}

    @property
    def command(self) -> str:
        """The command that made it."""
        usual = f"python -m experiments.reproduce figure={self.name} scale={self.scale}"
        return str(self.manifest.get("command", usual))

    @property
    def config(self) -> str:
        """The settings that it was made with, as JSON; empty where the manifest does not hold them."""
        return json.dumps(self.manifest["config"], indent=1) if "config" in self.manifest else ""


def shown(lab: Path, committed: Path) -> list[Shown]:
    """Return every figure of a lab, and those of the `reproduced` folder that the lab has not drawn itself."""
    found: dict[tuple[str, str], Shown] = {}
    for where, folder in (("reproduced", committed), ("lab", lab / "figures")):
        for path in sorted(folder.glob("*/*/claims.json")):
            one = read(path.parent, where)
            found[one.scale, one.name] = one
    return sorted(found.values(), key=lambda one: (_rank(one.scale), one.name), reverse=False)


def _rank(scale: str) -> int:
    """The scales that show most come first."""
    return -SCALES.index(scale) if scale in SCALES else -len(SCALES)


def read(folder: Path, where: str) -> Shown:
    """Read the folder of one figure; what is missing of it is left empty."""
    name, scale = folder.name, folder.parent.name
    image, table = folder / "figure.png", folder / "table.csv"
    rows = list(csv.reader(table.read_text(encoding="utf-8").splitlines())) if table.exists() else [[]]
    manifest = folder / "manifest.json"
    return Shown(
        name,
        scale,
        where,
        about(name),
        "data:image/png;base64," + base64.b64encode(image.read_bytes()).decode() if image.exists() else "",
        json.loads((folder / "claims.json").read_text(encoding="utf-8")),
        rows[0],
        rows[1:],
        json.loads(manifest.read_text(encoding="utf-8")) if manifest.exists() else {},
    )


def about(name: str) -> str:
    """Return what a figure is about: the first line of its yaml."""
    path = Path(CONF) / "figure" / f"{name}.yaml"
    first = path.read_text(encoding="utf-8").partition("\n")[0] if path.exists() else ""
    return first.removeprefix("#").strip() if first.startswith("#") else ""
