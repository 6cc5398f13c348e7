"""One biography under the probe: `python -m experiments.microscope CHECKPOINT person=12 [entry=0] [paths.lab=DIR]`.

CHECKPOINT: a checkpoint folder of a lab, or the beginning of its key. Writes a picture and its numbers into
lab/microscope: above every token the probability that a linear probe gives to each true attribute of the person.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from data_gen.errors import ConfigError
from experiments.ask import find_checkpoint
from experiments.launch.config import split_lab
from experiments.launch.errors import exit_on_error

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TOKENS_PER_LINE = 13
CAPTION = (
    "Cells: the probability (%) that a linear probe at the token gives to the person's true value. In brackets: how "
    "many of those that the probe learned from have this value;\n"
    "where nobody has, it cannot be learned. Red: the value itself, in the text and in its row; a probe on the token "
    "just before it reads what the text has not said yet."
)


def draw(cells: "pd.DataFrame", title: str) -> "Figure":
    """Return a picture of the rows of `physics_lm.microscope.look`: the entry in lines, cells above each token."""
    import matplotlib.pyplot as plt

    from experiments.figures._shared.plotting import add_title

    names = list(dict.fromkeys(cells["attribute"]))
    grid = cells.pivot(index="attribute", columns="place", values="probability").loc[names].to_numpy()
    attributes = cells.drop_duplicates("attribute").set_index("attribute")
    labels = [_label(n, str(attributes.loc[n, "value"]), float(attributes.loc[n, "share"])) for n in names]
    tokens = cells[cells["attribute"] == names[0]].reset_index(drop=True)
    lines = -(-len(tokens) // TOKENS_PER_LINE)
    figure, axes = plt.subplots(lines, 1, figsize=(14, 1.0 + 2.0 * lines), layout="constrained", squeeze=False)
    for line, axis in enumerate(axes[:, 0]):
        columns = slice(line * TOKENS_PER_LINE, (line + 1) * TOKENS_PER_LINE)
        _draw_line(axis, grid[:, columns], tokens.iloc[columns], names, labels)
    return add_title(figure, title, CAPTION, 0.4 / figure.get_figheight(), 1 - 0.65 / figure.get_figheight())


def _label(name: str, value: str, share: float) -> str:
    attribute = "birth month" if name == "birth_date" else name.replace("_", " ")
    return f"{attribute}: {value}\n({100 * share:.1f}% have it)"


def _draw_line(axis: "Axes", grid: np.ndarray, tokens: "pd.DataFrame", names: list[str], labels: list[str]) -> None:
    """Draw one line: cells in percent, tokens below them; an attribute's value is bold and its cell framed."""
    from matplotlib.patches import Rectangle

    axis.imshow(grid, vmin=0, vmax=1, cmap="YlGnBu", aspect="auto")
    for (y, x), probability in np.ndenumerate(grid):
        color = "white" if probability > 0.6 else "black" if probability > 0.2 else "0.55"
        axis.text(x, y, f"{100 * probability:.0f}", ha="center", va="center", fontsize=8, color=color)
    axis.set_xticks(range(len(tokens)), list(tokens["token"]), fontsize=10)
    for x, (tick, attribute) in enumerate(zip(axis.get_xticklabels(), tokens["told"], strict=True)):
        tick.set(fontweight="bold" if attribute else "normal", color="crimson" if attribute else "black")
        if attribute in names:
            corner = (x - 0.5, names.index(attribute) - 0.5)
            axis.add_patch(Rectangle(corner, 1, 1, fill=False, edgecolor="crimson", lw=1.6))
    axis.set_yticks(range(len(labels)), labels, fontsize=8)
    axis.set_xlim(-0.5, TOKENS_PER_LINE - 0.5)
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)


def write_picture(checkpoint: Path, lab: Path, person: int, entry: int) -> Path:
    """Write the picture of one biography and its numbers; return the picture's path."""
    import matplotlib

    matplotlib.use("Agg")
    from physics_lm.microscope import look  # heavy: torch and transformers

    cells = look(checkpoint, person, entry)
    path = lab / "microscope" / f"{checkpoint.resolve().name[:12]}-person{person}-entry{entry}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    cells.to_csv(path.with_suffix(".csv"), index=False)
    draw(cells, f"What is known of person {person} at each token of an entry").savefig(path, dpi=130)
    return path


def parse_options(words: list[str]) -> dict[str, int]:
    """Return `person` and `entry`; raises ConfigError for other words and for values that are no numbers."""
    options = {"entry": 0}
    for word in words:
        key, _, value = word.partition("=")
        if key not in ("person", "entry") or not value.isdecimal():
            raise ConfigError(f"{word}: write person=12, and entry=0 for the first of their entries")
        options[key] = int(value)
    if "person" not in options:
        raise ConfigError("person: say whose biography is looked at, for example person=12")
    return options


def main() -> None:
    """Draw one biography; an error that the user can mend ends the command with one line and status 2."""
    lab, words = split_lab(sys.argv[1:])
    if not words or words[0] in ("-h", "--help"):
        print(__doc__)
        sys.exit(0 if words else 2)
    print(exit_on_error(lambda: write_picture(find_checkpoint(words[0], lab), lab, **parse_options(words[1:]))))


if __name__ == "__main__":
    main()
