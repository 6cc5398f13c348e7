"""Which folder may import which: every import counts, nested ones and those for type checking too."""

import ast
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("data_gen", "physics_lm", "experiments", "hydra_plugins")
# A folder, or a module that lies in none, may import those that stand before it.
ORDER = """
data_gen: errors counter settings kinds config fingerprint people biographies questions corpus facts images audit
physics_lm: job_scheduler progress bootstrap config store tracking results fact_statistics device environment data
    kernels checkpoints models objectives needs methods quantization inference subject training probes stages checks
    plan lineage microscope run export
experiments: launch figures report_page benchmarks run reproduce ask microscope bench status store track report export
hydra_plugins: physics_lm_launcher
"""
MOST_LINES = 300  # of a module


def modules():
    """Return the file of every module by its name."""
    files = {}
    for path in (path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        files[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return files


MODULES = modules()


def imports(path):
    """Yield the modules of ours that a file imports anywhere."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names] + [str(node.module)]
            names = [name for name in names[:-1] if name in MODULES] or names[-1:]
        else:
            continue
        yield from (name for name in names if name in MODULES)


GRAPH = {name: set(imports(path)) - {name} for name, path in MODULES.items()}


def places():
    """Return the place of every folder in the order; that of a package comes before those in it."""
    order = []
    for line in ORDER.strip().replace("\n    ", " ").splitlines():
        package, _, rooms = line.partition(": ")
        order += [package, *(f"{package}.{room}" for room in rooms.split())]
    assert len(order) == len(set(order))
    return {room: place for place, room in enumerate(order)}


PLACES = places()


def room(module):
    return ".".join(module.split(".")[:2])


def circles(graph):
    """Return the nodes from which a walk along the arrows comes back."""
    reached = {node: set(after) for node, after in graph.items()}
    for middle in graph:
        for node in graph:
            if middle in reached[node]:
                reached[node] |= reached[middle]
    return sorted(node for node in graph if node in reached[node])


def test_every_folder_has_a_place_and_imports_only_those_before_it():
    assert {room(name) for name in MODULES} <= set(PLACES)
    later = {
        f"{name} imports {other}"
        for name, imported in GRAPH.items()
        for other in imported
        if PLACES[room(other)] > PLACES[room(name)]
    }
    assert later == set()


def test_no_modules_import_each_other():
    assert circles(GRAPH) == []


def test_a_circle_is_noticed():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == ["a", "b", "c"]
    assert room("physics_lm.training.stacking.stack") == "physics_lm.training"
    assert "physics_lm.subject" in GRAPH["physics_lm.training.pretraining"]  # an import that was found


@pytest.mark.parametrize("package", PACKAGES)
def test_modules_are_short(package):
    lines = {name: len(path.read_text().splitlines()) for name, path in MODULES.items() if name.startswith(package)}
    assert {name: count for name, count in lines.items() if count > MOST_LINES} == {}


def test_the_tests_lie_as_what_they_test():
    folders = defaultdict(list)
    for path in (ROOT / "tests").rglob("test_*.py"):
        folders[path.parent.relative_to(ROOT / "tests")].append(path.name)
    missing = [str(folder) for folder in folders if not (ROOT / folder).is_dir()]
    assert missing == []
