import importlib.util
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def called(*words, **settings):
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, check=True, **settings)


def build(folder):
    """Build the wheel, without network where the build backend is installed."""
    if importlib.util.find_spec("hatchling") and importlib.util.find_spec("build"):
        called("-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT))
    else:
        called("-m", "pip", "wheel", "--no-deps", "--wheel-dir", str(folder), str(ROOT))
    (wheel,) = folder.glob("physics_lm-*.whl")
    return wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return build(tmp_path_factory.mktemp("wheel"))


@pytest.mark.slow
def test_the_wheel_holds_code_data_types_and_conf(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    data = ("conf/config.yaml", "conf/corpus/single.yaml", "data_gen/people/pools/city.txt")
    for file in (*data, "data_gen/biographies/templates/major.txt", "physics_lm/py.typed"):
        assert file in names
    for folder in ("conf", "data_gen", "physics_lm", "experiments", "hydra_plugins"):
        files = [path for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
        assert {str(path.relative_to(ROOT)) for path in files} <= names
    assert not [name for name in names if name.startswith("tests/")]


@pytest.mark.slow
def test_the_installed_wheel_finds_its_conf(wheel, tmp_path):
    target = tmp_path / "site"
    called("-m", "pip", "install", "--quiet", "--no-deps", "--target", str(target), str(wheel))
    env = {**os.environ, "PYTHONPATH": str(target)}
    where = called(
        "-c", "import experiments.launch.config; print(experiments.launch.config.CONF)", cwd=tmp_path, env=env
    )
    assert where.stdout.strip() == str(target / "conf")
    job = called("-m", "experiments.run", "scale=smoke", "corpus=single", "--cfg", "job", cwd=tmp_path, env=env)
    assert "people: 24" in job.stdout
    done = called("-m", "experiments.run", "scale=smoke", "corpus=single", "pretrain.steps=2", cwd=tmp_path, env=env)
    assert (tmp_path / done.stdout.strip().splitlines()[-1]).exists()


def test_every_command_of_the_readme_exists():
    modules = re.findall(r"python -m (experiments(?:\.\w+)*)", README)
    assert modules, "the README shows no command"
    for module in modules:
        assert importlib.util.find_spec(module), module


def test_every_make_target_of_the_readme_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    shown = set(re.findall(r"`?make ([a-z-]+)", README))
    assert {"reproduce", "test"} <= shown
    assert shown <= targets


def test_the_layers_are_imported_one_way():
    """data_gen knows neither torch nor physics_lm; physics_lm does not know experiments."""
    forbidden = {"data_gen": "torch|transformers|physics_lm|experiments", "physics_lm": "experiments"}
    for package, names in forbidden.items():
        for path in (ROOT / package).rglob("*.py"):
            assert not re.search(rf"^\s*(?:from|import) (?:{names})\b", path.read_text(), re.MULTILINE), path


def test_the_package_says_its_licence_and_types():
    assert "Apache License" in (ROOT / "LICENSE").read_text()
    for package in ("data_gen", "physics_lm", "experiments"):
        assert (ROOT / package / "py.typed").exists()
