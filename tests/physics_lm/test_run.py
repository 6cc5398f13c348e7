import hashlib
import json
import shutil
from dataclasses import asdict, fields, replace
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from datasets import load_from_disk
from transformers import AutoModelForCausalLM, AutoTokenizer

from data_gen import facts
from data_gen.config import FactsConfig
from data_gen.errors import AuditError, ConfigError, PoolError, TemplateError
from data_gen.facts import cures
from physics_lm import checks, run
from physics_lm.config.columns import EXECUTION_KEYS, settings_columns
from physics_lm.config.rewrite import RewriteConfig
from physics_lm.config.run import RunConfig
from physics_lm.config.training import FinetuneConfig
from physics_lm.data import ragged, tokenizers
from physics_lm.inference import rewriting
from physics_lm.plan import plan
from physics_lm.probes.linear import tasks
from physics_lm.probes.linear.classes import task_classes
from physics_lm.probes.linear.rows import build_heads
from physics_lm.run import complete, execute
from physics_lm.stages import STAGES, probe
from physics_lm.store.artifacts import Store

REFUSED = (ConfigError, PoolError, TemplateError)
BASE = RunConfig(
    prior=FinetuneConfig(method="full"), rewrite=RewriteConfig(path=__file__), facts=FactsConfig(kind="names")
)
SECTIONS = [item.name for item in fields(RunConfig) if item.name != "seed"]
TRAINED = ("pretrain", "prior", "finetune")
# what a setting may become instead; numbers and texts are changed by rule
OTHER = {
    "finetune.method": "none",
    "prior.method": "none",
    "facts.kind": "instructions",
    "world.pools": {"city": 3},
    "corpus.path": __file__,
    "rewrite.path": json.__file__,
}
NO_RESULT = {(section, name) for section in TRAINED for name in EXECUTION_KEYS if hasattr(getattr(BASE, section), name)}
NO_RESULT |= {("probe", "precision")}
OPEN = {("probe", "batch"), ("probe", "save_every")}  # changes no result, and may be in the key or not


def changed(config, section, name, value):
    return replace(config, **{section: replace(getattr(config, section), **{name: value})})


def used(section):
    """Return a config that makes use of a section: a probe that learns; somebody beside."""
    chosen = {"probe": "p_probe", "beside": "celebrities"}
    return changed(BASE, section, "kind", chosen[section]) if section in chosen else BASE


def other(section, name, value):
    if f"{section}.{name}" in OTHER:
        return OTHER[f"{section}.{name}"]
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int | float) else f"{value}x"


SETTINGS = [(section, item.name) for section in SECTIONS for item in fields(getattr(BASE, section))]


@pytest.mark.parametrize(("section", "name"), [setting for setting in SETTINGS if setting not in NO_RESULT | OPEN])
def test_every_setting_that_decides_a_result_decides_its_key(section, name):
    base = used(section)
    value = other(section, name, getattr(getattr(base, section), name))
    assert plan(changed(base, section, name, value))["probe"].key != plan(base)["probe"].key


@pytest.mark.parametrize(("section", "name"), sorted(NO_RESULT))
def test_a_setting_of_how_decides_no_key(section, name):
    base = used(section)
    value = other(section, name, getattr(getattr(base, section), name))
    assert plan(changed(base, section, name, value)) == plan(base)


def test_the_seed_decides_every_key():
    first, second = plan(BASE), plan(replace(BASE, seed=1))
    assert not {step.key for step in first.steps} & {step.key for step in second.steps}


def test_what_was_read_is_a_setting_by_its_content(tmp_path):
    """Rows of two texts, two checkpoints or two writers differ in a setting, and keep arms apart."""
    for name in ("a", "b", "again"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text(name.replace("again", "a"))
    for section in ("corpus", "model", "rewrite"):
        a, b, again = (
            settings_columns(changed(BASE, section, "path", str(tmp_path / name))).get(f"{section}.path")
            for name in ("a", "b", "again")
        )
        assert a == again != b
        assert f"{section}.path" not in settings_columns(RunConfig())


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
    facts = changed(BASE, "facts", "kind", "names")
    assert plan(facts)["pretrain"] == plan(changed(facts, "facts", "count", 7))["pretrain"]
    among = changed(facts, "pretrain", "facts", True)
    assert plan(among)["pretrain"] != plan(changed(among, "facts", "count", 7))["pretrain"]


def test_who_would_be_read_beside_is_no_setting_of_a_run_beside_nobody():
    assert BASE.beside.kind == "none"
    assert settings_columns(changed(BASE, "beside", "people", 7)) == settings_columns(BASE)


def test_without_finetuning_the_model_before_is_probed():
    plain = RunConfig()
    none = changed(plain, "finetune", "method", "none")
    assert [step.step for step in plan(none).steps] == ["corpus", "tokenizer", "pretrain", "probe"]
    assert plan(none).model == plan(none)["pretrain"]
    assert plan(changed(none, "finetune", "lr", 5.0))["probe"] == plan(none)["probe"]
    assert plan(changed(plain, "prior", "lr", 5.0))["probe"] == plan(plain)["probe"]
    assert plan(changed(BASE, "finetune", "method", "none")).model == plan(BASE)["prior"]


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
        ("model.path=weights", "model.path=weights"),
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
        ("prior.steps=0", "prior.steps=0"),
        ("prior.method=half", "prior.method=half"),
        ("finetune.method=lora9", "finetune.method=lora9"),
        ("questions.family=gossip", "questions.family=gossip"),
        ("questions.family=classification questions.hint=half", "questions.hint=half: probe.kind=extraction"),
        ("probe.kind=mind", "probe.kind=mind"),
    ],
)
def test_a_bad_setting_is_refused_by_name_before_any_work(smoke, tmp_path, override, named):
    config = smoke(*override.split())
    with pytest.raises(REFUSED) as refused:
        execute(config, tmp_path / "lab")
    assert named in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "lab").exists()


def test_a_probe_that_is_added_decides_by_all_its_settings_and_one_that_only_asks_by_none(smoke):
    def key(kind, **settings):
        config = smoke()
        return plan(replace(config, probe=replace(config.probe, kind=kind, **settings)))["probe"].key

    assert key("entropy", examples=3) != key("entropy", examples=40)
    assert key("entropy", save_every=3) == key("entropy")
    assert key("extraction", examples=3) == key("extraction", examples=40)


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
        model=replace(lab.config.model, kind="checkpoint", path=str(lab.folder("finetune")), layers=7),
        pretrain=replace(lab.config.pretrain, steps=0),
        finetune=replace(lab.config.finetune, method="none"),
    )
    rows = pd.read_parquet(execute(config, tmp_path) / "rows.parquet")
    theirs = pd.read_parquet(lab.folder("probe") / "rows.parquet")
    compared = ["task", "person", "attribute", "prompt", "gold", "prediction", "correct"]
    assert rows[compared].equals(theirs[compared])
    shape = ["model.layers", "model.width", "model.heads", "model.positions"]
    assert rows[shape].iloc[0].tolist() == theirs[shape].iloc[0].tolist() != [7, *rows[shape[1:]].iloc[0]]


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
    text = tokenizer.decode([token for step in range(30) for row in batches(step)[0] for token in row])
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
    assert not {name for name in columns if name.rpartition(".")[2] in EXECUTION_KEYS}
    assert not {name for name in columns if any(word in name for word in ("lab", "time", "threads", "device"))}
    assert all(isinstance(value, str | int | float | bool) for value in columns.values())
    assert len(columns) >= len(asdict(lab.config.pretrain))


def digest(value) -> str:
    return hashlib.sha256((value if isinstance(value, str) else json.dumps(value)).encode()).hexdigest()[:16]


def corpus_output(lab, batches_of):
    return [[e.text, e.person_id, e.group, [[s.attribute, s.start, s.end] for s in e.spans]] for e in lab.entries]


def rewrite_output(lab, batches_of):
    return [rewriting.prompts(lab.world, lab.entries, 50, attempt) for attempt in (0, 1)]


def facts_output(lab, batches_of):
    texts = []
    for config in (FactsConfig("names", 4, 3, 2), FactsConfig("instructions", 4, 3, unexampled=2, reversed=True)):
        data = facts.make(config, lab.config.world.pools, 0)
        texts += [[q.task, q.attribute, q.prompt, q.gold] for q in (*data.training, *data.questions)]
        texts += [cures.added_texts(replace(config, cure=cure), data, 0) for cure in cures.KINDS]
    return texts


def tokenizer_output(lab, batches_of):
    return sorted(AutoTokenizer.from_pretrained(lab.folder("tokenizer")).get_vocab().items())


def pretrain_output(lab, batches_of):
    mixed = replace(lab.config, pretrain=replace(lab.config.pretrain, question_share=0.5))
    feeds = [batches_of(config, "pretrain") for config in (lab.config, mixed)]
    return [[array.tolist() for array in feed(step)] for feed in feeds for step in (0, 1, 9)]


def finetune_output(lab, batches_of):
    feed = batches_of(lab.config, "finetune")
    return [[array.tolist() for array in feed(step)] for step in (0, 1, 9)]


def probe_output(lab, batches_of):
    rows = pd.read_parquet(lab.folder("probe") / "rows.parquet").drop(columns="run")
    exact = rows[["task", "person", "attribute", "split", "prompt", "gold", "tokens"]]
    return [[*exact.columns], exact.to_numpy().tolist()]


def linear_output(lab, batches_of):
    vocabulary = AutoTokenizer.from_pretrained(lab.folder("tokenizer"))
    tables, stacks = [task_classes(task, lab.world, vocabulary) for task in tasks.TASKS], []
    for shared in (False, True):
        config = replace(lab.config, probe=replace(lab.config.probe, shared=shared))
        heads = build_heads(tables, (0, 1), SimpleNamespace(world=lab.world, config=config))
        stacks.append([[head.name, head.position, head.label.tolist(), head.classes, head.update] for head in heads])
    return stacks


# A version number and the output it stands for: a changed output needs a new number, and with it a new key.
VERSIONS = {stage.NAME: stage.VERSION for stage in STAGES if stage.NAME != "prior"} | {"linear": probe.LINEAR_VERSION}
PINNED = {
    "corpus": (corpus_output, 1, "66298a5d4df57d43"),
    "rewrite": (rewrite_output, 1, "407b85e2635aa854"),
    "facts": (facts_output, 1, "c1bf59234f23ca8b"),
    "tokenizer": (tokenizer_output, 1, "68c5553ab0d848cb"),
    "pretrain": (pretrain_output, 2, "b0086577821eb864"),
    "finetune": (finetune_output, 1, "6bea693ec845016e"),
    "probe": (probe_output, 2, "1189713a6c3afc95"),
    "linear": (linear_output, 2, "eb2b0f93de60abd6"),
}


def test_defaults_stay_as_they_were():
    """Keys leave settings at their defaults out: a changed default needs new version numbers."""
    recorded = json.loads((Path(__file__).parents[1] / "defaults.json").read_text())
    now = {key: value for key, value in settings_columns(RunConfig()).items() if key in recorded}
    assert now == recorded


@pytest.mark.parametrize("step", list(PINNED))
def test_a_steps_version_and_its_output_change_together(lab, batches_of, step):
    output, version, expected = PINNED[step]
    assert (VERSIONS[step], digest(output(lab, batches_of))) == (version, expected)


def test_every_step_is_pinned():
    assert set(PINNED) == set(VERSIONS)
