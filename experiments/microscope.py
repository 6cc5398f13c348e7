"""One biography under the probe: `python -m experiments.microscope CHECKPOINT person=12 [entry=0] [paths.lab=DIR]`.

CHECKPOINT: a checkpoint folder of a lab, or the beginning of its key. Writes a picture and its numbers into
lab/microscope: above every token the probability that a linear probe gives to each true attribute of the person.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from data_gen.errors import ConfigError
from experiments.ask import folder
from experiments.launch.config import lab_of
from experiments.launch.errors import guarded

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ACROSS = 13  # tokens of a line
CAPTION = (
    "Cells: the probability (%) that a linear probe at the token gives to the person's true value. In brackets: how "
    "many of those that the probe learned from have this value;\n"
    "where nobody has, it cannot be learned. Red: the value itself, in the text and in its row; a probe on the token "
    "just before it reads what is not yet told."
)
NUMBERS = ("person", "entry")


def draw(found: "pd.DataFrame", title: str) -> "Figure":
    """Draw the rows of `physics_lm.microscope.look`: the entry in lines, above each token a column of cells."""
    import matplotlib.pyplot as plt

    from experiments.figures._shared.plotting import titled

    names = list(dict.fromkeys(found["attribute"]))
    grid = found.pivot(index="attribute", columns="place", values="probability").loc[names].to_numpy()
    values = found.drop_duplicates("attribute").set_index("attribute")
    labels = [_label(name, str(values.loc[name, "value"]), float(values.loc[name, "share"])) for name in names]
    words = found[found["attribute"] == names[0]].reset_index(drop=True)
    lines = -(-len(words) // ACROSS)
    figure, axes = plt.subplots(lines, 1, figsize=(14, 1.0 + 2.0 * lines), layout="constrained", squeeze=False)
    for line, axis in enumerate(axes[:, 0]):
        part = slice(line * ACROSS, (line + 1) * ACROSS)
        _line(axis, grid[:, part], words.iloc[part], names, labels)
    return titled(figure, title, CAPTION, 0.4 / figure.get_figheight(), 1 - 0.65 / figure.get_figheight())


def _label(name: str, value: str, share: float) -> str:
    said = "birth month" if name == "birth_date" else name.replace("_", " ")
    return f"{said}: {value}\n({100 * share:.1f}% have it)"


def _line(axis: "Axes", grid: np.ndarray, words: "pd.DataFrame", names: list[str], labels: list[str]) -> None:
    """Draw one line of the entry: the cells in percent, the tokens below, a value's in bold under a framed cell."""
    from matplotlib.patches import Rectangle

    axis.imshow(grid, vmin=0, vmax=1, cmap="YlGnBu", aspect="auto")
    for (y, x), share in np.ndenumerate(grid):
        color = "white" if share > 0.6 else "black" if share > 0.2 else "0.55"
        axis.text(x, y, f"{100 * share:.0f}", ha="center", va="center", fontsize=8, color=color)
    for x, told in enumerate(words["told"]):
        if told in names:
            axis.add_patch(Rectangle((x - 0.5, names.index(told) - 0.5), 1, 1, fill=False, edgecolor="crimson", lw=1.6))
    axis.set_xticks(range(len(words)), list(words["token"]), fontsize=10)
    for tick, told in zip(axis.get_xticklabels(), words["told"], strict=True):
        tick.set_fontweight("bold" if told else "normal")
        tick.set_color("crimson" if told else "black")
    axis.set_yticks(range(len(labels)), labels, fontsize=8)
    axis.set_xlim(-0.5, ACROSS - 0.5)
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)


def write(checkpoint: Path, lab: Path, person: int, entry: int) -> Path:
    """Write the picture and its numbers; return the picture's path."""
    import matplotlib

    matplotlib.use("Agg")
    from physics_lm.probes.linear import microscope  # heavy: torch and transformers

    found = microscope.look(checkpoint, person, entry)
    place = lab / "microscope" / f"{checkpoint.resolve().name[:12]}-person{person}-entry{entry}"
    place.parent.mkdir(parents=True, exist_ok=True)
    found.to_csv(place.with_suffix(".csv"), index=False)
    draw(found, f"What is known of person {person} at each token of an entry").savefig(
        place.with_suffix(".png"), dpi=130
    )
    return place.with_suffix(".png")


def numbers(words: list[str]) -> dict[str, int]:
    """Return `person` and `entry`; raises ConfigError for other words and for what is no number."""
    found = {"entry": 0}
    for word in words:
        key, _, value = word.partition("=")
        if key not in NUMBERS or not value.isdecimal():
            raise ConfigError(f"{word}: write person=12, and entry=0 for the first of their entries")
        found[key] = int(value)
    if "person" not in found:
        raise ConfigError("person: say whose biography is looked at, for example person=12")
    return found


def main() -> None:
    """Look at one biography; exits with status 2 and one line where that cannot be done."""
    lab, given = lab_of(sys.argv[1:])
    if not given or given[0] in ("-h", "--help"):
        print(__doc__)
        sys.exit(0 if given else 2)
    print(guarded(lambda: write(folder(given[0], lab), lab, **numbers(given[1:]))))


if __name__ == "__main__":
    main()
