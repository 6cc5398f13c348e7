import shutil
from dataclasses import replace

import pytest
from filelock import FileLock

from data_gen.errors import ConfigError
from experiments import store
from physics_lm import plan as planning
from physics_lm import run as pipeline
from physics_lm.store import inventory
from physics_lm.store.artifacts import Store


@pytest.fixture
def place(lab, tmp_path):
    """Return a copy of the lab with two runs that share a pretrained model, and their plans."""
    shutil.copytree(lab.path, tmp_path / "lab")
    other = replace(lab.config, finetune=replace(lab.config.finetune, lr=0.5))
    pipeline.run(other, tmp_path / "lab")
    return tmp_path / "lab", lab.plan, planning.plan(other)


def there(lab):
    return {path.parent.name for path in lab.glob("artifacts/*/*/manifest.json")}


def word(lab):
    return f"paths.lab={lab}"


def test_a_lab_is_named_as_for_hydra(place, tmp_path):
    path, _, _ = place
    (tmp_path / "my labs").mkdir()
    shutil.move(path, tmp_path / "my labs" / "one")
    for told in (f"{tmp_path}/my labs/one", f"'{tmp_path}/my labs/one'"):
        assert store.answer([f"paths.lab={told}"])[-1].startswith("7 artifacts")


def test_the_listing_has_every_artifact_with_its_size_and_origin(place):
    lab, first, second = place
    lines = store.answer([word(lab)])
    for spec in {step.key: step for step in (*first.steps, *second.steps)}.values():
        (line,) = [line for line in lines if line.split()[1:2] == [spec.key[:12]]]
        assert line.startswith(spec.step)
        assert all(key[:12] in line for key in spec.inputs.values())
        size = sum(path.stat().st_size for path in Store(lab).folder(spec).rglob("*"))
        assert f"{size / 1e6:.1f} MB" in line or abs(size - float(line.split()[2]) * 1e6) < 1e5
    assert lines[-1].startswith("7 artifacts, ")


def test_one_artifact_is_told_with_all_above_and_below(place):
    lab, first, second = place
    told = "\n".join(store.answer([word(lab), first.pretrain.key[:10]]))
    above, below = told.split("made from it:")
    for key in (first.corpus.key, first.tokenizer.key):
        assert key[:12] in above
    for plan in (first, second):
        assert plan.finetune.key[:12] in below
        assert plan.probe.key[:12] in below


def test_what_others_were_made_from_stays(place):
    lab, first, _ = place
    before = there(lab)
    with pytest.raises(ConfigError, match=r"2 artifacts were made from this pretrain.*users=true"):
        store.answer([word(lab), f"remove={first.pretrain.key}"])
    assert there(lab) == before


def test_a_leaf_is_removed_alone_and_the_rest_still_complete(place):
    lab, first, second = place
    before = there(lab)
    lines = store.answer([word(lab), f"remove={first.probe.key[:12]}"])
    assert there(lab) == before - {first.probe.key}
    assert lines[-1].endswith("freed")
    assert pipeline.complete(Store(lab), second)
    assert not pipeline.complete(Store(lab), first)
    assert not (lab / "removed").exists()


def test_an_artifact_goes_with_all_that_was_made_from_it(place, lab):
    path, first, second = place
    store.answer([word(path), f"remove={first.finetune.key}", "users=true"])
    assert there(path) == {step.key for step in second.steps}
    pipeline.run(lab.config, path)  # and comes again when it is needed, as it was
    assert Store(path).manifest(first.finetune)["files"] == lab.store.manifest(first.finetune)["files"]


def test_a_removal_that_was_stopped_hinders_no_other(place):
    lab, first, second = place
    for key in (first.probe.key, "other"):
        (lab / "removed" / key).mkdir(parents=True)
        (lab / "removed" / key / "file").write_text("x" * 200_000)
    store.answer([word(lab), f"remove={first.probe.key},{first.probe.key}"])
    assert first.probe.key not in there(lab)
    assert "removed: 0.4 MB; remove=removed clears it" in store.answer([word(lab)])
    assert store.answer([word(lab), "remove=removed"]) == ["0.4 MB of removed artifacts removed"]


def test_nothing_goes_before_what_was_made_from_it(place, monkeypatch):
    lab, first, second = place
    gone = []
    monkeypatch.setattr(inventory, "_drop", lambda lab, folder: gone.append(folder.name))
    store.answer([word(lab), f"remove={first.corpus.key}", "users=true"])
    assert len(gone) == 7
    for plan in (first, second):
        order = [gone.index(step.key) for step in plan.steps]
        assert order == sorted(order, reverse=True)


def test_several_may_go_together_where_none_that_stays_needs_them(place):
    lab, first, second = place
    store.answer([word(lab), f"remove={first.finetune.key},{first.probe.key}"])
    assert there(lab) == {step.key for step in second.steps}


def test_what_a_running_job_holds_stays(place):
    lab, first, _ = place
    before = there(lab)
    with (
        FileLock(lab / "locks" / f"{first.probe.key}.lock", is_singleton=False),
        pytest.raises(ConfigError, match="a running job"),
    ):
        store.answer([word(lab), f"remove={first.probe.key},{first.finetune.key}"])
    assert there(lab) == before


def test_leftovers_are_shown_and_cleared(place):
    lab, first, _ = place
    for name in ("partial/pretrain/abc/state", "damaged/probe-1-2"):
        (lab / name).mkdir(parents=True)
        (lab / name / "file").write_text("x" * 200_000)
    lines = store.answer([word(lab)])
    assert "partial: 0.2 MB; remove=partial clears it" in lines
    assert "damaged: 0.2 MB; remove=damaged clears it" in lines
    with FileLock(lab / "locks" / "abc.lock", is_singleton=False):
        assert store.answer([word(lab), "remove=partial"]) == ["0.0 MB of partial artifacts removed"]
    assert store.answer([word(lab), "remove=partial"]) == ["0.2 MB of partial artifacts removed"]
    assert store.answer([word(lab), "remove=damaged"]) == ["0.2 MB of damaged artifacts removed"]
    assert inventory.leftovers(lab) == {}


def test_an_unreadable_manifest_is_said_and_hides_no_other(place, caplog):
    lab, first, _ = place
    for text in ("{", "null", "{}", "[]"):
        (Store(lab).folder(first.probe) / "manifest.json").write_text(text)
        assert store.answer([word(lab)])[-1].startswith("6 artifacts")
        assert not Store(lab).sound(first.probe)
    assert "cannot be read" in caplog.text


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["remove=0000"], "'0000': no artifacts"),
        (["remove="], "'': no artifacts"),
        (["delete=x"], "delete: there is no such word"),
        (["nokey"], "'nokey': no artifacts"),
    ],
)
def test_a_wrong_word_removes_nothing(place, words, named):
    lab, _, _ = place
    before = there(lab)
    with pytest.raises(ConfigError, match=named):
        store.answer([word(lab), *words])
    assert there(lab) == before


def test_an_ambiguous_key_is_refused(place):
    lab, first, _ = place
    key, folder = first.probe.key, Store(lab).folder(first.probe)
    twin = folder.with_name(key[:5] + "x" * 59)
    shutil.copytree(folder, twin)
    manifest = (twin / "manifest.json").read_text()
    (twin / "manifest.json").write_text(manifest.replace(f'"key": "{key}"', f'"key": "{twin.name}"'))
    with pytest.raises(ConfigError, match="2 artifacts"):
        store.answer([word(lab), f"remove={key[:5]}"])


def test_no_lab_is_said(tmp_path):
    with pytest.raises(ConfigError, match="no lab lies there"):
        store.answer([word(tmp_path)])


def test_the_oldest_come_first(place):
    lab, _, _ = place
    made = [item.created for item in inventory.items(lab)]
    assert made == sorted(made)
