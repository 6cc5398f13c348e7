"""The config: what each choice and scale sets, the arms of figures, and how errors are reported."""

import re
import subprocess
import sys
from dataclasses import dataclass
from errno import EACCES, ENOSPC
from functools import cache
from pathlib import Path

import pytest
import yaml
from hydra.errors import HydraException
from omegaconf import ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from data_gen import kinds
from data_gen.errors import AuditError, ConfigError
from experiments import reproduce
from experiments.launch import figure_output, hydra_internals
from experiments.launch.arms import arm_overrides, arms_of, check_used, figure_names
from experiments.launch.config import CONF, _settable, run_config
from experiments.launch.errors import exit_on_error, user_message
from physics_lm import checks
from physics_lm.config import run as run_config_module
from physics_lm.config.probe import ProbeConfig
from physics_lm.config.run import KIND_PACKAGES
from physics_lm.plan import plan
from physics_lm.training.loop import DivergedError

REFUSED = (HydraException, OmegaConfBaseException)
GROUPS = sorted(path.name for path in Path(CONF).iterdir() if path.is_dir())
CHOICES = sorted((path.parent.name, path.stem) for path in Path(CONF).glob("*/*.yaml"))
SCALES = sorted(path.stem for path in Path(CONF).glob("scale/*.yaml"))
FIGURES = figure_names()


@cache
def composed(*overrides):
    """Compose once; whoever changes the config must compose anew."""
    return hydra_internals.compose(list(overrides))


def test_the_menu_has_every_group():
    expected = {"scale", "world", "corpus", "tokenizer", "model", "pretrain", "finetune", "probe", "figure"}
    assert expected <= set(GROUPS)
    assert set(SCALES) >= {"smoke", "laptop", "gpu", "paper"}


@pytest.mark.parametrize(("group", "choice"), CHOICES)
def test_every_choice_composes_and_sets_what_its_file_says(group, choice):
    needed = {"curves": ["pretrain.eval_every=5"]}
    needed |= dict.fromkeys(("reversal", "reversal_logprob"), ["facts=names"])
    needed["instructions"] = ["facts.paraphrases=5"]
    needed["bidirectional"] = ["pretrain.objective=masked", "finetune.objective=masked"]
    if choice in ("folder", "checkpoint"):
        return  # need a folder of entries or of weights, and are tested with one
    overrides = [f"{group}={choice}", *needed.get(choice, [])]
    config = composed(*overrides)
    checks.check(run_config(config))
    settings = OmegaConf.to_container(config, throw_on_missing=True, resolve=True)
    if group == "scale":  # is tested by itself
        return
    says = yaml.safe_load((Path(CONF) / group / f"{choice}.yaml").read_text())
    says.pop("defaults", None)
    expected = {name: of_scale(config, value) for name, value in says.items()}
    given = {word.partition("=")[0] for word in overrides}
    expected = {name: value for name, value in expected.items() if f"{group}.{name}" not in given}
    assert {name: settings[group][name] for name in expected} == expected


def of_scale(config, value):
    """Return a value of a choice's file, or what the file takes from the scale."""
    if not isinstance(value, str) or not value.startswith("${"):
        return value
    size = OmegaConf.select(config, value[2:-1])
    return OmegaConf.to_container(size) if OmegaConf.is_config(size) else size


def test_every_choice_of_a_kind_has_the_settings_of_that_kind_and_every_kind_has_a_choice():
    for section, package in KIND_PACKAGES.items():
        chosen = {path.stem for path in (Path(CONF) / section).glob("*.yaml")}
        for name, module in kinds.modules(package).items():
            assert name in chosen
            assert type(OmegaConf.to_object(composed(f"{section}={name}")[section])) is module.Config


def test_a_scale_has_every_size_that_a_choice_takes():
    files = Path(CONF).glob("*/*.yaml")
    taken = {name for file in files for name in re.findall(r"\$\{(scale\.\S+?)\}", file.read_text())}
    assert len(taken) > 15
    for scale in SCALES:
        assert not [name for name in taken if OmegaConf.select(composed(f"scale={scale}"), name) is None]


def test_a_choice_of_ones_own_without_the_settings_of_a_kind_is_refused_in_a_line(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "own.yaml").write_text("kind: llama\nlayers: 2\n")
    with pytest.raises(ConfigError, match=r"model=own: .*layers.*defaults: \[gpt2, _self_\]"):
        composed("model=own", f"hydra.searchpath=[file://{tmp_path}]")


@pytest.mark.parametrize("scale", SCALES)
def test_what_a_choice_sets_is_set_over_a_scales_sizes(scale, tmp_path):
    model = {"layers": 2, "width": 48, "heads": 6}
    training = {"steps": 7, "batch": 3, "lr": 0.5}
    choices = {"model": model, "pretrain": training, "finetune": training, "world": {"people": 30}}
    based_on = {"model": ["llama"], "finetune": ["lora"]}  # a choice of a kind begins with one that has its settings
    for group, expected in choices.items():
        (tmp_path / group).mkdir()
        own = {"defaults": [*based_on.get(group, []), "_self_"], **expected}
        (tmp_path / group / "own.yaml").write_text(yaml.safe_dump(own))
        config = composed(f"scale={scale}", f"{group}=own", f"hydra.searchpath=[file://{tmp_path}]")
        assert {name: config[group][name] for name in expected} == expected


@pytest.mark.parametrize("scale", SCALES)
def test_a_scale_sets_what_its_file_says(scale):
    def settings(section, prefix=""):
        for name, value in section.items():
            if isinstance(value, dict):
                yield from settings(value, f"{prefix}{name}.")
            else:
                yield prefix + name, value

    text = yaml.safe_load((Path(CONF) / "scale" / f"{scale}.yaml").read_text())
    text.pop("defaults", None)
    config = composed(f"scale={scale}")
    for name, value in settings({key: section for key, section in text.items() if key != "scale"}):
        actual = OmegaConf.select(config, name)
        assert actual == (float(value) if isinstance(actual, float) else value), name
    assert config.scale.name == scale
    assert config.scale.departures


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("figure", FIGURES)
def test_every_figure_has_arms_at_every_scale(figure, scale):
    config = composed(f"figure={figure}")
    for arms in ("default", "all"):
        chosen = arms_of(OmegaConf.merge(config.figure, {"arms": arms}), scale)
        assert set(chosen) <= set(config.figure.known)
        assert chosen, arms


# a composition takes a tenth of a second, and there are hundreds of arms: `make test-all` has the other scales
@pytest.mark.parametrize("scale", [pytest.param(s, marks=[] if s == "laptop" else [pytest.mark.slow]) for s in SCALES])
@pytest.mark.parametrize("figure", FIGURES)
def test_every_arm_of_every_figure_composes_at_every_scale(figure, scale):
    config = hydra_internals.compose([f"figure={figure}", f"scale={scale}"])
    config.figure.arms = list(config.figure.known)
    for (arm, seed), overrides in arm_overrides(config, [f"scale={scale}"]).items():
        run = run_config(composed(*overrides))
        checks.check(run)
        assert run.seed == seed
        assert plan(run).steps, arm


def test_a_setting_goes_to_the_arms_that_have_it_and_one_that_no_arm_has_is_refused():
    config = hydra_internals.compose(["figure=extraction", "scale=laptop", "figure.arms=[single, single_mixed]"])
    given = ["finetune.precision=fp32", "pretrain.precision=fp32"]
    single, mixed = arm_overrides(config, given).values()
    assert set(given) <= set(single)
    assert set(given) & set(mixed) == {"pretrain.precision=fp32"}
    mistral, _ = arm_overrides(config, ["model=mistral", "model.sharing=2"]).values()
    assert run_config(composed(*mistral)).model.sharing == 2
    for word in ("probe.rank=3", "finetune.rank=3", "finetune.rnak=3"):
        with pytest.raises(ConfigError, match=word.partition("=")[0]):
            check_used([word], list(arm_overrides(config, [word]).values()))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["finetune=none", "~finetune"], "~finetune: a choice cannot be removed; choose one of full, lora, none"),
        (["probe=[extraction,curves]"], "choose one of bidirectional, curves"),
        (["+probe.rank=3"], "probe.rank: the choice of probe has no such setting"),
        (["probe=p_probe", "probe.lr=inf"], "probe.lr=inf: must be above 0 and finite"),
        (["probe=p_probe", "probe.rank=99999"], "probe.kind=p_probe: needs a wider model, and model.width=32"),
        (["beside.people=5"], "beside.people: the choice of beside has no such setting; choose beside=celebrities"),
        (["corpus=folder"], "corpus.path=: corpus=folder reads entries from a folder; name it"),
        (["corpus=folder", "corpus.path=nowhere"], "corpus.path=nowhere: there is no such file or folder"),
        (["rewrite.words=3"], "rewrite.words=3: nothing is rewritten; set rewrite.path"),
        (["tokenizer.size=400"], "tokenizer.size=400: tokenizer=word has no such setting"),
        (["model=checkpoint", "model.layers=3"], "model.layers: the choice of model has no such setting"),
    ],
)
def test_a_setting_without_its_kind_is_refused_in_a_line(smoke, words, message):
    with pytest.raises(ConfigError) as refused:
        checks.check(smoke(*words))
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_kind_named_by_its_setting_brings_the_settings_of_the_choice(smoke):
    assert smoke("finetune.method=lora", "probe.kind=q_probe") == smoke("finetune=lora", "probe=q_probe")
    assert smoke("beside.kind=celebrities").beside.people == 12


def test_settings_that_no_column_could_hold_are_a_defect_of_their_kind():
    @dataclass(frozen=True)
    class Odd(ProbeConfig):
        names: tuple[str, ...] = ("a", "b")

    with pytest.raises(TypeError, match="names must be a text"):
        _settable(Odd)


def test_arms_differ_and_mixed_ones_are_not_finetuned():
    config = hydra_internals.compose(["scale=smoke"])
    config.figure.arms = list(config.figure.known)
    runs = {arm: run_config(composed(*o)) for (arm, _), o in arm_overrides(config, ["scale=smoke"]).items()}
    assert len({plan(run)["probe"].key for run in runs.values()}) == len(runs) == 32
    for arm, run in runs.items():
        mixed = arm.endswith("_mixed")
        assert run.corpus.name == arm.removesuffix("_mixed")
        assert (run.finetune.method == "none") == mixed
        assert (run.pretrain.question_share > 0) == mixed


def test_the_knobs_of_a_corpus_are_what_its_name_says():
    for name in (choice for group, choice in CHOICES if group == "corpus"):
        corpus = run_config(composed(f"corpus={name}")).corpus
        assert corpus.fullname == name.endswith("_fullname")
        assert corpus.fresh == ("infinity" in name)
        assert corpus.couple == name.startswith("couple")
        match = re.match(r"(?:multi|couple)(\d+)", name)
        assert corpus.entries == (int(match[1]) if match else 1)
        assert corpus.reverse == int(name.partition("reverse")[2] or 0)
        permuted = name.partition("_permute")[2][:1]
        assert corpus.orders == (int(permuted) if permuted.isdigit() else int("permute" in name or corpus.couple))


def test_what_the_user_gives_comes_over_an_arms_own():
    config = hydra_internals.compose(["scale=smoke", "figure.arms=[single_mixed]", "figure.seeds=2", "seed=3"])
    overrides = ["scale=smoke", "figure.arms=[single_mixed]", "figure.seeds=2", "seed=3", "pretrain.question_share=0.2"]
    jobs = arm_overrides(config, overrides)
    assert list(jobs) == [("single_mixed", 3), ("single_mixed", 4)]
    runs = [run_config(hydra_internals.compose(overrides)) for overrides in jobs.values()]
    assert [run.seed for run in runs] == [3, 4]
    assert all(run.pretrain.question_share == 0.2 for run in runs)


def test_an_unknown_arm_is_refused():
    config = hydra_internals.compose(["scale=smoke", "figure.arms=[single,triple]"])
    with pytest.raises(ConfigError, match="figure.arms: no arm triple"):
        arms_of(config.figure, "smoke")


@pytest.mark.parametrize(
    ("override", "named"),
    [
        ("world.peple=3", "world.peple"),
        ("pretrain.stepz=3", "pretrain.stepz"),
        ("speed=3", "speed"),
        ("corpus=nonsense", "corpus=nonsense"),
        ("scale=moon", "scale=moon"),
        ("colour=blue", "colour"),
        ("world.people=many", "world.people"),
        ("pretrain.lr=fast", "pretrain.lr"),
        ("corpus.fresh=perhaps", "corpus.fresh"),
        ("seed=1.5", "seed"),
        ("seed=null", "seed"),
    ],
)
def test_an_unknown_key_or_a_wrong_type_is_refused_by_name(override, named):
    with pytest.raises(ConfigError) as refused:
        hydra_internals.compose(["scale=smoke", override])
    assert named in str(refused.value)


def test_run_config_gives_dataclasses():
    run = run_config(hydra_internals.compose(["scale=smoke", "seed=4", "pretrain.lr=0.25"]))
    assert isinstance(run, run_config_module.RunConfig)
    assert (run.seed, run.pretrain.lr, run.world.people) == (4, 0.25, 24)
    assert type(run.world.pools) is dict


@pytest.mark.parametrize(
    "error",
    [
        ConfigError("world.people=1: at least 2"),
        AuditError("spans"),
        DivergedError("the loss is nan"),
        OSError(ENOSPC, "No space left on device"),
    ],
)
def test_an_error_that_can_be_mended_is_one_line(error, capsys):
    def work():
        raise error

    with pytest.raises(SystemExit) as stopped:
        exit_on_error(work)
    assert stopped.value.code == 2
    output = capsys.readouterr()
    assert output.err.startswith("error: ")
    assert output.err.count("\n") == 1
    assert output.out == ""


@pytest.mark.parametrize("error", [KeyError("x"), ValueError("y"), OSError(EACCES, "no")])
def test_a_defect_of_ours_keeps_its_traceback(error):
    def work():
        raise error

    assert user_message(error) is None
    with pytest.raises(type(error)):
        exit_on_error(work)


def test_an_interrupt_is_said_in_one_line_also_where_a_library_makes_another_error_of_it(monkeypatch, capsys):
    def interrupted(self, index, item):
        if index == 1:
            raise KeyboardInterrupt
        put(self, index, item)

    def work():
        OmegaConf.create([1, 2])

    put = ListConfig._set_item_impl
    monkeypatch.setattr(ListConfig, "_set_item_impl", interrupted)
    with pytest.raises(AttributeError, match="_invalidate_flags_cache"):
        work()
    with pytest.raises(SystemExit) as stopped:
        exit_on_error(work)
    assert stopped.value.code == 130
    assert capsys.readouterr().err == "stopped: the same command goes on from here\n"


def test_exit_on_error_returns_what_the_work_returns():
    assert exit_on_error(lambda: 7) == 7


def test_a_command_line_is_read_without_torch():
    work = (
        "import sys, experiments.launch.config, experiments.run, experiments.reproduce; "
        "print([m for m in ('torch', 'transformers', 'datasets', 'pandas', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", work], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("section", "content", "message"),
    [
        ("settings", {"smok": {}}, r"settings\.smok: no such scale; choose one of gpu, laptop, paper, smoke"),
        ("departures", {"lap": {"grid": "one"}}, r"departures\.lap: no such scale"),
        ("settings", {"smoke": {"singel": ["seed=1"]}}, r"settings\.smoke: no arm singel"),
        ("default", {"smoke": ["singel"]}, r"default\.smoke: no arm singel"),
    ],
)
def test_a_figures_yaml_speaks_of_scales_and_arms_that_there_are(section, content, message):
    config = hydra_internals.compose(["scale=smoke"])
    config.figure[section] = content
    with pytest.raises(ConfigError, match=message):
        arms_of(config.figure, "smoke")


def test_a_figure_that_cannot_be_drawn_is_said_before_anything_is_trained(monkeypatch, tmp_path):
    for figure in figure_names():
        assert figure_output.load_figure(figure)
    with pytest.raises(ConfigError, match=r"figure=letters: No module .*is a module of experiments/figures"):
        figure_output.load_figure("letters")
    monkeypatch.delattr("experiments.figures.shuffle.claims")
    with pytest.raises(ConfigError, match=r"figure=shuffle: experiments/figures/shuffle.py has no claims"):
        figure_output.load_figure("shuffle")
    overrides = ["scale=smoke", "figure=shuffle", f"paths.lab={tmp_path}"]
    with pytest.raises(ConfigError, match="has no claims"):
        reproduce.reproduce(hydra_internals.compose(overrides), overrides)
    monkeypatch.setattr(reproduce, "figure_names", lambda: ["shuffle"])
    all_overrides = ["scale=smoke", "figure=all", f"paths.lab={tmp_path}"]
    assert reproduce.reproduce(hydra_internals.compose(all_overrides), all_overrides) == 1  # it stops no other
    assert not (tmp_path / "artifacts").exists()


def test_a_figures_own_departures_join_the_fidelity_table_of_its_scale():
    config = hydra_internals.compose(["scale=smoke"])
    before = figure_output.departures(config)
    config.figure.departures = {"smoke": {"grid": "one arm"}, "laptop": {"grid": "two arms"}}
    assert figure_output.departures(config) == {**before, "grid": "one arm"}


def test_a_run_is_checked_and_planned_without_torch():
    code = (
        "import sys\n"
        "from experiments.launch.jobs import Job\n"
        "for words in (['probe=q_probe', 'finetune=none'], ['finetune=lora', 'facts=names', 'probe=reversal']):\n"
        "    Job.of(['scale=smoke', *words])\n"
        "print({'torch', 'transformers', 'pandas', 'datasets'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "set()", done.stderr
