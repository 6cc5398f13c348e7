import json
import shutil
from dataclasses import asdict, fields, replace
from pathlib import Path

import pandas as pd
import pytest
from datasets import load_from_disk
from transformers import AutoModelForCausalLM, AutoTokenizer

from data_gen import kinds
from data_gen.corpus.beside import celebrities
from data_gen.errors import AuditError, ConfigError, PoolError, TemplateError
from data_gen.facts import names
from data_gen.settings import kind_key, rule
from physics_lm import checks, results, run
from physics_lm.config.columns import section_columns, settings_columns
from physics_lm.config.rewrite import RewriteConfig
from physics_lm.config.run import KIND_PACKAGES, SECTIONS, RunConfig
from physics_lm.config.training import FinetuneConfig
from physics_lm.data import ragged, tokenizers
from physics_lm.methods import none
from physics_lm.models import checkpoint
from physics_lm.plan import plan
from physics_lm.probes import extraction, q_probe
from physics_lm.run import complete, execute
from physics_lm.store.artifacts import Store

REFUSED = (ConfigError, PoolError, TemplateError)
NO_FINETUNING = none.Config()
BASE = RunConfig(prior=FinetuneConfig(), rewrite=RewriteConfig(path=__file__), facts=names.Config())
PLAIN = RunConfig()
TRAINED = ("pretrain", "prior", "finetune")
PATHS = {"model.path": __file__, "corpus.path": __file__, "facts.folder": __file__, "rewrite.path": json.__file__}
OPEN = {("probe", "batch")}  # changes no result, and may be in the key or not


def changed(config, section, name, value):
    return replace(config, **{section: replace(getattr(config, section), **{name: value})})


def of_each_kind(section):
    """Return the configs of a section, one of each of its kinds; of a section without kinds one that is made use of."""
    if section in KIND_PACKAGES:
        return [module.Config() for module in kinds.modules(KIND_PACKAGES[section]).values()]
    return [getattr(BASE, section)]


def other(section, item, value):
    if rule(item).choices:
        return next(choice for choice in reversed(rule(item).choices) if choice != value)
    if isinstance(value, bool):
        return not value
    if isinstance(value, dict):
        return {"city": 3}
    return value + 1 if isinstance(value, int | float) else PATHS.get(f"{section}.{item.name}", f"{value}x")


SETTINGS = [
    pytest.param(section, config, item, id=f"{section}-{type(config).__module__.rpartition('.')[2]}-{item.name}")
    for section in SECTIONS
    for config in of_each_kind(section)
    for item in fields(config)
    if not rule(item).is_kind and (section, item.name) not in OPEN
]


@pytest.mark.parametrize(("section", "config", "item"), SETTINGS)
def test_a_setting_is_in_the_key_where_it_decides_a_result_and_only_there(section, config, item):
    base = replace(BASE, **{section: config})
    value = other(section, item, getattr(config, item.name))
    same = plan(changed(base, section, item.name, value))["probe"].key == plan(base)["probe"].key
    assert same == (not rule(item).decides)


def test_what_decides_no_result_is_marked_so():
    marked = {(param.values[0], param.values[2].name) for param in SETTINGS if not rule(param.values[2]).decides}
    training = {(section, name) for section in TRAINED for name in ("save_every", "precision", "compile")}
    assert marked == training | {("probe", "save_every"), ("probe", "precision")}


@pytest.mark.parametrize("section", list(KIND_PACKAGES))
def test_every_kind_has_a_key_of_its_own(section):
    keys = [plan(replace(BASE, **{section: config}))["probe"].key for config in of_each_kind(section)]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("section", [section for section in KIND_PACKAGES if section != "probe"])
def test_a_raised_version_of_a_kind_changes_the_keys_of_what_it_makes(section, monkeypatch):
    base = replace(BASE, beside=celebrities.Config())
    before = plan(base)["probe"].key
    monkeypatch.setattr(kinds.load(KIND_PACKAGES[section], section, getattr(base, section)), "VERSION", 2)
    assert plan(base)["probe"].key != before


def test_a_raised_version_of_a_probe_changes_the_keys_of_its_rows_alone(monkeypatch):
    before = plan(BASE)
    monkeypatch.setattr(extraction, "VERSION", 3)
    assert [a == b for a, b in zip(before.steps, plan(BASE).steps, strict=True)] == [True] * 7 + [False]
    q_probe_run = replace(BASE, probe=q_probe.Config())
    assert plan(q_probe_run)["probe"].version == q_probe.VERSION


def test_the_seed_decides_every_key():
    first, second = plan(BASE), plan(replace(BASE, seed=1))
    assert not {step.key for step in first.steps} & {step.key for step in second.steps}


def test_what_was_read_is_a_setting_by_its_content(tmp_path):
    """Rows of two texts, two checkpoints or two writers differ in a setting, and keep arms apart."""
    for name in ("a", "b", "again"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text(name.replace("again", "a"))
    base = replace(BASE, model=checkpoint.Config())
    for section in ("corpus", "model", "rewrite"):
        a, b, again = (
            settings_columns(changed(base, section, "path", str(tmp_path / name)))[f"{section}.path"]
            for name in ("a", "b", "again")
        )
        assert a == again != b
        assert settings_columns(RunConfig()).get(f"{section}.path", "") == ""


def test_arms_share_what_they_have_in_common():
    tuned, other_lr = plan(BASE), plan(changed(BASE, "finetune", "lr", 1.0))
    assert (tuned["corpus"], tuned.tokenizer, tuned["pretrain"]) == (
        other_lr["corpus"],
        other_lr.tokenizer,
        other_lr["pretrain"],
    )
    assert tuned["finetune"] != other_lr["finetune"]
    longer = plan(changed(BASE, "pretrain", "steps", 7))
    assert (longer["corpus"], longer.tokenizer) == (tuned["corpus"], tuned.tokenizer)
    assert longer["pretrain"] != tuned["pretrain"]


def test_questions_decide_a_pretraining_that_reads_them_and_no_other():
    for share, same in ((0.0, True), (0.5, False)):
        base = changed(BASE, "pretrain", "question_share", share)
        other_share = changed(base, "questions", "share", 0.25)
        assert (plan(base)["pretrain"] == plan(other_share)["pretrain"]) == same


def test_facts_decide_a_pretraining_that_reads_them_and_no_other():
    assert plan(BASE)["pretrain"] == plan(changed(BASE, "facts", "count", 7))["pretrain"]
    among = changed(BASE, "pretrain", "facts", True)
    assert plan(among)["pretrain"] != plan(changed(among, "facts", "count", 7))["pretrain"]


def test_without_finetuning_the_model_before_is_probed():
    untuned = replace(PLAIN, finetune=NO_FINETUNING)
    assert [step.step for step in plan(untuned).steps] == ["corpus", "tokenizer", "pretrain", "probe"]
    assert plan(untuned).model == plan(untuned)["pretrain"]
    assert plan(replace(BASE, finetune=NO_FINETUNING)).model == plan(BASE)["prior"]


@pytest.mark.parametrize(
    ("override", "named"),
    [
        ("seed=-1", "seed=-1"),
        ("world.people=0", "world.people=0"),
        ("world.people=1", "world.people=1"),
        ("world.people=8001", "world.people=8001"),
        ("world.first_person=-1", "world.first_person"),
        ("world.first_person=7990", "world.people"),
        ("world.train_share=0", "world.train_share"),
        ("world.train_share=1", "world.train_share"),
        ("world.train_share=nan", "world.train_share"),
        ("world.pools.city=0", "world.pools.city=0"),
        ("world.pools.city=100000", "world.pools.city"),
        ("world.pools.year=201", "world.pools.year"),
        ("+world.pools.planet=3", "world.pools.planet"),
        ("corpus.entries=0", "corpus.entries"),
        ("corpus.entries=9", "corpus.entries=9"),
        ("corpus.orders=-1", "corpus.orders"),
        ("corpus.templates=500", "corpus.templates=500"),
        ("corpus.templates=-1", "corpus.templates=-1"),
        ("model=checkpoint model.path=nowhere", "model.path=nowhere"),
        ("tokenizer.kind=char", "tokenizer.kind=char"),
        ("pretrain.steps=0", "pretrain.steps=0"),
        ("pretrain.batch=0", "pretrain.batch=0"),
        ("pretrain.save_every=0", "pretrain.save_every=0"),
        ("pretrain.lr=0", "pretrain.lr=0"),
        ("pretrain.lr=nan", "pretrain.lr=nan"),
        ("pretrain.matrix_lr=-1", "pretrain.matrix_lr=-1"),
        ("pretrain.clip=0", "pretrain.clip=0"),
        ("pretrain.optimizer=sgd", "pretrain.optimizer=sgd"),
        ("pretrain.precision=fp8", "pretrain.precision=fp8"),
        ("pretrain.beta1=1", "pretrain.beta1=1"),
        ("pretrain.beta2=-0.1", "pretrain.beta2=-0.1"),
        ("pretrain.warmup=13", "pretrain.warmup=13"),
        ("pretrain.warmup=-1", "pretrain.warmup=-1"),
        ("pretrain.question_share=1", "pretrain.question_share=1"),
        ("pretrain.question_share=-0.1", "pretrain.question_share=-0.1"),
        ("pretrain.context=129", "pretrain.context=129"),
        ("pretrain.context=10", "pretrain.context=10"),
        ("finetune.steps=0", "finetune.steps=0"),
        ("finetune.lr=-1", "finetune.lr=-1"),
        ("prior=full prior.steps=0", "prior.steps=0"),
        ("questions.family=classification questions.hint=half", "probe.kind=extraction: needs questions without hints"),
    ],
)
def test_a_bad_setting_is_refused_by_name_before_any_work(smoke, tmp_path, override, named):
    config = smoke(*override.split())
    with pytest.raises(REFUSED) as refused:
        execute(config, tmp_path / "lab")
    assert named in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "lab").exists()


def test_answers_are_not_written_by_a_model_that_reads_both_ways(smoke):
    config = smoke(
        "questions=retrieval", "probe=manipulation", "pretrain.objective=masked", "finetune.objective=masked"
    )
    with pytest.raises(ConfigError, match=r"probe\.kind=manipulation: .*finetune\.objective=masked"):
        checks.check(config)


def test_a_question_longer_than_the_context_is_refused_before_training(smoke, tmp_path):
    longer = ("questions=inverse", "probe=manipulation", "corpus=single", "pretrain.context=52")
    with pytest.raises(ConfigError, match=r"questions\.hint=none: the longest question of inverse takes \d+ tokens"):
        execute(smoke(*longer), tmp_path)
    assert not (tmp_path / "artifacts" / "pretrain").exists()


def test_a_context_shorter_than_the_longest_entry_is_refused_before_training(smoke, tmp_path):
    with pytest.raises(ConfigError, match=r"pretrain\.context=45: the longest entry has \d+ tokens; raise it"):
        execute(smoke("corpus=single", "pretrain.context=45"), tmp_path)
    assert not (tmp_path / "artifacts" / "pretrain").exists()


def test_a_tokenizer_that_splits_values_differently_is_refused(smoke, tmp_path, monkeypatch):
    real = tokenizers.train

    def train(config, texts):
        tokenizer = real(config, texts)
        tokenizer.backend_tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
        return tokenizer

    monkeypatch.setattr(tokenizers, "train", train)
    with pytest.raises(AuditError, match="tokenizer: the .* alone but"):
        execute(smoke("corpus=single", "tokenizer=bpe"), tmp_path)
    assert not (tmp_path / "artifacts" / "tokenizer").exists()


def test_people_side_by_side_are_refused_unless_asked_for(smoke, tmp_path, monkeypatch, caplog):
    config = smoke("corpus=multi5", "world.people=200", "pretrain.steps=2")
    real = ragged.epoch_order
    with monkeypatch.context() as patch:
        patch.setattr(ragged, "epoch_order", lambda size, seed, epoch, shuffle=True: real(size, seed, epoch, False))
        with pytest.raises(AuditError, match="of the windows hold a person twice"):
            execute(config, tmp_path)
    assert not (tmp_path / "artifacts" / "pretrain").exists()
    execute(changed(config, "pretrain", "shuffle", False), tmp_path)
    assert "windows hold a person twice" in caplog.text


def stamps(lab: Path):
    return {path: path.stat().st_mtime_ns for path in (lab / "artifacts").rglob("*") if path.is_file()}


def test_a_second_run_computes_nothing(lab, monkeypatch):
    before = stamps(lab.path)
    monkeypatch.setattr(run, "_make", None)
    assert execute(lab.config, lab.path) == lab.folder("probe")
    assert stamps(lab.path) == before


def test_a_run_that_shares_a_model_trains_it_once(lab, smoke, tmp_path):
    first = smoke("corpus=single", "pretrain.steps=4", "finetune.steps=2")
    execute(first, tmp_path)
    before = stamps(tmp_path)
    execute(changed(first, "finetune", "lr", 0.5), tmp_path)
    after = stamps(tmp_path)
    assert {path: after[path] for path in before} == before
    counts = {folder.name: len(list(folder.iterdir())) for folder in (tmp_path / "artifacts").iterdir()}
    assert counts == {"corpus": 1, "tokenizer": 1, "pretrain": 1, "finetune": 2, "probe": 2}


def test_a_lab_is_the_same_bits_wherever_and_whenever_it_is_made(lab, tmp_path):
    execute(lab.config, tmp_path)
    for step in lab.plan.steps:
        ours, theirs = lab.store.manifest(step)["files"], Store(tmp_path).manifest(step)["files"]
        assert {name: ours[name] for name in ours} == theirs, step.step


@pytest.mark.parametrize("kind", ["gpt2", "llama", "mistral"])
def test_every_kind_of_model_goes_all_the_way(smoke, tmp_path, kind):
    config = smoke("corpus=single", f"model={kind}", "tokenizer=bpe", "pretrain.steps=2")
    rows = pd.read_parquet(execute(config, tmp_path) / "rows.parquet")
    assert set(rows["model.kind"]) == {kind}
    assert set(rows["tokenizer.kind"]) == {"bpe"}


def test_a_run_starts_from_a_checkpoint(lab, smoke, tmp_path):
    folder = lab.folder("pretrain")
    config = smoke("corpus=multi2_permute", "model=checkpoint", f"model.path={folder}", "pretrain.steps=2")
    execute(config, tmp_path)
    first = pd.read_parquet(Store(tmp_path).folder(plan(config)["pretrain"]) / "curve.parquet")["loss"].iloc[0]
    fresh = pd.read_parquet(folder / "curve.parquet")["loss"]
    assert first < fresh.iloc[0] - 0.1


def test_a_checkpoint_can_be_asked_as_it_is(lab, tmp_path):
    config = replace(
        lab.config,
        model=checkpoint.Config(path=str(lab.folder("finetune"))),
        pretrain=replace(lab.config.pretrain, steps=0),
        finetune=NO_FINETUNING,
    )
    rows = pd.read_parquet(execute(config, tmp_path) / "rows.parquet")
    theirs = pd.read_parquet(lab.folder("probe") / "rows.parquet")
    compared = ["task", "person", "attribute", "prompt", "gold", "prediction", "correct"]
    assert rows[compared].equals(theirs[compared])
    shape = ["model.layers", "model.width", "model.heads", "model.positions"]
    assert rows[shape].iloc[0].tolist() == theirs[shape].iloc[0].tolist()
    loaded = results.load(tmp_path)
    assert loaded[shape].iloc[0].tolist() == theirs[shape].iloc[0].tolist()


def test_a_checkpoint_as_it_is_has_no_learning_curve(lab, smoke):
    config = smoke(
        "model=checkpoint", f"model.path={lab.folder('finetune')}", "pretrain.steps=0", "pretrain.eval_every=4"
    )
    with pytest.raises(ConfigError, match=r"pretrain\.eval_every=4: pretrain\.steps=0 trains nothing"):
        checks.check(config)


def test_a_run_is_not_complete_where_something_it_was_made_of_is_damaged(lab, tmp_path):
    shutil.copytree(lab.path, tmp_path, dirs_exist_ok=True)
    store = Store(tmp_path)
    assert complete(store, lab.plan)
    with (store.folder(lab.plan["finetune"]) / "model.safetensors").open("ab") as file:
        file.write(b"more")
    assert not complete(store, lab.plan)


def test_a_checkpoint_counts_by_its_weights_and_not_by_where_it_lies(lab, smoke, tmp_path):
    keys = []
    for name in ("first", "moved", "changed"):
        shutil.copytree(lab.folder("pretrain"), tmp_path / name)
        if name == "changed":
            (tmp_path / name / "model.safetensors").write_bytes(b"others")
        config = smoke("model=checkpoint", f"model.path={tmp_path / name}")
        keys.append(plan(config)["pretrain"].key)
        assert not any(str(tmp_path) in str(value) for value in settings_columns(config).values())
    assert keys[0] == keys[1] != keys[2]


def test_a_manifest_says_how_often_a_person_was_read_about(lab):
    manifest = Store(lab.path).manifest(lab.plan["pretrain"])
    vocabulary = tokenizers.load(lab.folder("tokenizer"))
    settings = lab.config.pretrain
    assert manifest["tokens"] == settings.steps * settings.batch * settings.context
    once = sum(1 + len(vocabulary(entry.text)["input_ids"]) for entry in lab.entries)
    passes, each = manifest["tokens"] / once, len(lab.entries) / len(lab.world)
    assert manifest["exposures"] == pytest.approx(passes * each, rel=0.1)
    for step in (lab.plan["pretrain"], lab.plan["finetune"]):
        assert Store(lab.path).manifest(step)["tokens_per_second"] > 0


def test_fresh_entries_differ_at_every_exposure(smoke, tmp_path, batches_of):
    config = smoke("corpus=multi_infinity_permute")
    batches = batches_of(config, "pretrain")
    tokenizer = tokenizers.load(next((tmp_path / "artifacts" / "tokenizer").iterdir()))
    corpus = load_from_disk(str(next((tmp_path / "artifacts" / "corpus").iterdir())))["text"]
    text = tokenizer.decode([token for step in range(30) for row in batches(step)["input_ids"] for token in row])
    whole = [text.strip() for text in text.split(tokenizer.eos_token)[1:-1]]
    assert len(set(whole)) > 2 * len(corpus)
    assert tokenizer.unk_token not in text


def test_the_artifacts_open_with_plain_libraries(lab):
    data = load_from_disk(str(lab.folder("corpus")))
    assert data.column_names == ["text", "person_id", "group", "spans"]
    row = data[0]
    assert {row["text"][s["start"] : s["end"]] for s in row["spans"]} == {
        lab.world.value(s["attribute"], row["person_id"]) for s in row["spans"]
    }
    for step in ("pretrain", "finetune"):
        AutoModelForCausalLM.from_pretrained(lab.folder(step))
        AutoTokenizer.from_pretrained(lab.folder(step))
        curve = pd.read_parquet(lab.folder(step) / "curve.parquet")
        assert curve["step"].tolist() == list(range(getattr(lab.config, step).steps))


def test_the_manifest_says_where_a_model_was_trained(lab):
    for step in (lab.plan["pretrain"], lab.plan["finetune"]):
        manifest = lab.store.manifest(step)
        assert manifest["precision"] in ("fp32", "bf16")
        assert {"device", "threads", "versions", "seconds", "parameters"} <= set(manifest)
        assert {"torch", "transformers"} <= set(manifest["versions"])


def test_columns_hold_what_decides_a_row(lab):
    columns = settings_columns(lab.config)
    assert columns["corpus.name"] == "multi2_permute"
    assert columns["world.pools.city"] == 8
    assert not {name for name in columns if name.rpartition(".")[2] in ("save_every", "precision", "compile")}
    assert not {name for name in columns if any(word in name for word in ("lab", "time", "threads", "device"))}
    assert all(isinstance(value, str | int | float | bool) for value in columns.values())
    assert len(columns) >= len(asdict(lab.config.pretrain))


def test_defaults_stay_as_they_were():
    """Keys leave settings at their defaults out: a changed default needs new version numbers."""
    recorded, seen = json.loads((Path(__file__).parents[1] / "defaults.json").read_text()), set()
    for section in SECTIONS:
        for config in of_each_kind(section) if section in KIND_PACKAGES else [getattr(PLAIN, section)]:
            columns = section_columns(section, config)
            columns.pop(f"{section}.{kind_key(config)}" if section in KIND_PACKAGES else "", None)
            seen |= set(columns)
            known = {name: value for name, value in columns.items() if name in recorded}  # others came later
            assert known == {name: recorded[name] for name in known}
    names_of_kinds = {f"{section}.{kind_key(getattr(PLAIN, section))}" for section in KIND_PACKAGES}
    assert seen | names_of_kinds | {"seed"} >= set(recorded)
