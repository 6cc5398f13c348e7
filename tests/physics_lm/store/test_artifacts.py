"""The store: keys, builds that fail or race, damaged artifacts."""

import errno
import hashlib
import json
import logging
import subprocess
import sys
from dataclasses import replace

import pytest

from data_gen.errors import ConfigError
from physics_lm.config.tokenizer import TokenizerConfig
from physics_lm.store.artifacts import MANIFEST, Spec, Store, canonical, spec

CORPUS = spec("corpus", 1, {"people": 3})
TOKENIZER = spec("tokenizer", 2, {"kind": "word", "size": 7}, corpus=CORPUS)


def writer(text="hello", calls=None):
    def build(folder, state):
        if calls is not None:
            calls.append(state)
        (folder / "sub").mkdir()
        (folder / "text.txt").write_text(text)
        (folder / "sub" / "more.txt").write_text(text)
        return {"note": 1}

    return build


def must_not_build(folder, state):
    raise AssertionError("it is there already")


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "lab")


def complete(store):
    return [path.parent for path in store.lab.glob(f"artifacts/*/*/{MANIFEST}")]


def test_the_key_is_decided_by_step_version_config_and_inputs():
    changed = [
        replace(TOKENIZER, step="corpus"),
        replace(TOKENIZER, version=3),
        replace(TOKENIZER, config={"kind": "bpe", "size": 7}),
        replace(TOKENIZER, config={"kind": "word"}),
        replace(TOKENIZER, inputs={"corpus": "0" * 64}),
        replace(TOKENIZER, inputs={}),
    ]
    assert len({TOKENIZER.key, *(other.key for other in changed)}) == 7


def test_the_key_is_decided_by_nothing_else(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONHASHSEED", "1")
    reordered = spec("tokenizer", 2, {"size": 7, "kind": "word"}, corpus=spec("corpus", 1, {"people": 3}))
    assert reordered.key == TOKENIZER.key
    text = (
        f'{{"config":{{"kind":"word","size":7}},"inputs":{{"corpus":"{CORPUS.key}"}},"step":"tokenizer","version":2}}'
    )
    assert TOKENIZER.key == hashlib.sha256(text.encode()).hexdigest()


def test_a_setting_at_its_default_is_left_out_of_the_key():
    default, other = TokenizerConfig(), TokenizerConfig("word")
    assert spec("tokenizer", 1, {"tokenizer": default}).key == spec("tokenizer", 1, {"tokenizer": {}}).key
    assert spec("tokenizer", 1, {"tokenizer": other}).key == spec("tokenizer", 1, {"tokenizer": {"kind": "word"}}).key
    assert spec("tokenizer", 1, {"tokenizer": other}).key != spec("tokenizer", 1, {"tokenizer": default}).key


def test_canonical_json_is_sorted_and_refuses_what_is_not_a_number():
    assert canonical({"b": 1, "a": [0.1, None, True]}) == '{"a":[0.1,null,true],"b":1}'
    with pytest.raises(ValueError, match="JSON"):
        canonical(float("nan"))


def test_an_artifact_is_made_once(store):
    calls = []
    folder = store.make(TOKENIZER, writer(calls=calls))
    assert folder == store.folder(TOKENIZER) == store.lab / "artifacts" / "tokenizer" / TOKENIZER.key
    assert store.make(TOKENIZER, must_not_build) == folder
    assert len(calls) == 1
    assert store.has(TOKENIZER)
    assert store.is_intact(TOKENIZER)
    assert not store.partial_folder(TOKENIZER).exists()


def test_the_manifest_holds_the_spec_and_the_files(store):
    store.make(TOKENIZER, writer())
    manifest = store.manifest(TOKENIZER)
    assert {name: manifest[name] for name in ("step", "version", "config", "inputs")} == {
        "step": "tokenizer",
        "version": 2,
        "config": {"kind": "word", "size": 7},
        "inputs": {"corpus": CORPUS.key},
    }
    assert manifest["key"] == TOKENIZER.key
    assert manifest["note"] == 1
    assert sorted(manifest["files"]) == ["sub/more.txt", "text.txt"]


@pytest.mark.parametrize("error", [RuntimeError("no"), OSError(errno.ENOSPC, "No space left on device")])
def test_a_failing_build_leaves_nothing_complete_and_loses_nothing(store, error):
    corpus = store.make(CORPUS, writer("before"))

    def build(folder, state):
        (folder / "half.txt").write_text("half")
        (state / "kept.txt").write_text("resume here")
        raise error

    with pytest.raises(type(error)):
        store.make(TOKENIZER, build)
    assert complete(store) == [corpus]
    assert store.is_intact(CORPUS)
    assert not store.has(TOKENIZER)


def test_the_state_of_a_failed_build_is_there_next_time(store):
    def failing(folder, state):
        (folder / "half.txt").write_text("half")
        (state / "kept.txt").write_text("resume here")
        raise RuntimeError("killed")

    def resuming(folder, state):
        assert (state / "kept.txt").read_text() == "resume here"
        assert not list(folder.iterdir())
        return writer()(folder, state)

    with pytest.raises(RuntimeError):
        store.make(TOKENIZER, failing)
    assert store.is_intact(TOKENIZER) is False
    store.make(TOKENIZER, resuming)
    assert sorted(store.manifest(TOKENIZER)["files"]) == ["sub/more.txt", "text.txt"]
    assert not store.partial_folder(TOKENIZER).exists()


def damage_text(folder):
    (folder / "text.txt").write_text("other")


def damage_missing(folder):
    (folder / "sub" / "more.txt").unlink()


def damage_manifest(folder):
    (folder / MANIFEST).write_text('{"files": ')


def damage_no_manifest(folder):
    (folder / MANIFEST).unlink()


@pytest.mark.parametrize("damage", [damage_text, damage_missing, damage_manifest, damage_no_manifest])
def test_a_damaged_artifact_is_set_aside_and_made_again_with_a_warning(store, caplog, damage):
    folder = store.make(TOKENIZER, writer())
    damage(folder)
    assert not store.is_intact(TOKENIZER)
    with caplog.at_level(logging.WARNING):
        store.make(TOKENIZER, writer())
    assert store.is_intact(TOKENIZER)
    assert (folder / "text.txt").read_text() == "hello"
    (aside,) = (store.lab / "damaged").iterdir()
    assert str(aside) in caplog.text
    assert "made again" in caplog.text
    assert TOKENIZER.key[:12] in aside.name


def test_two_processes_that_want_the_same_build_it_once(tmp_path):
    work = f"""
import sys, time
from pathlib import Path
from physics_lm.store.artifacts import Spec, Store

def build(folder, state):
    with open({str(tmp_path / "built")!r}, "a") as log:
        log.write("x")
    time.sleep(0.5)
    (folder / "a.txt").write_text("a")
    return {{}}

spec = Spec("corpus", 1, {{}}, {{}})
assert (Store(Path({str(tmp_path / "lab")!r})).make(spec, build) / "a.txt").read_text() == "a"
"""
    racers = [subprocess.Popen([sys.executable, "-c", work]) for _ in range(3)]
    assert [racer.wait(timeout=120) for racer in racers] == [0, 0, 0]
    assert (tmp_path / "built").read_text() == "x"
    assert Store(tmp_path / "lab").is_intact(Spec("corpus", 1, {}, {}))


def test_a_lab_that_cannot_be_written_to_is_refused(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    store = Store(tmp_path / "file" / "lab")
    with pytest.raises(ConfigError, match="paths.lab=.*cannot be written to"):
        store.make(TOKENIZER, must_not_build)


def test_checking_a_lab_leaves_nothing_in_it(store):
    store.check_writable()
    assert list(store.lab.iterdir()) == []


def test_the_manifest_is_plain_json(store):
    folder = store.make(TOKENIZER, writer())
    assert json.loads((folder / MANIFEST).read_text()) == store.manifest(TOKENIZER)
