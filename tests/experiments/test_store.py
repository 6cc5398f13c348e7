"""The store command: what it lists, and what it removes or refuses to remove."""

import shutil
from dataclasses import replace

import pytest
from filelock import FileLock

from data_gen.errors import ConfigError
from experiments import store
from physics_lm.plan import plan
from physics_lm.run import complete, execute
from physics_lm.store import inventory
from physics_lm.store.artifacts import Store


@pytest.fixture
def place(lab, tmp_path):
    """Return a copy of the lab with two runs that share a pretrained model, and their plans."""
    shutil.copytree(lab.path, tmp_path / "lab")
    other = replace(lab.config, finetune=replace(lab.config.finetune, lr=0.5))
    execute(other, tmp_path / "lab")
    return tmp_path / "lab", lab.plan, plan(other)


def artifact_keys(lab):
    return {path.parent.name for path in lab.glob("artifacts/*/*/manifest.json")}


def lab_option(lab):
    return f"paths.lab={lab}"


def test_a_lab_is_named_as_for_hydra(place, tmp_path):
    path, _, _ = place
    (tmp_path / "my labs").mkdir()
    shutil.move(path, tmp_path / "my labs" / "one")
    for name in (f"{tmp_path}/my labs/one", f"'{tmp_path}/my labs/one'"):
        assert store.run_command([f"paths.lab={name}"])[-1].startswith("7 artifacts")


def test_the_listing_has_every_artifact_with_its_size_and_origin(place):
    lab, first, second = place
    lines = store.run_command([lab_option(lab)])
    for spec in {step.key: step for step in (*first.steps, *second.steps)}.values():
        (line,) = [line for line in lines if line.split()[1:2] == [spec.key[:12]]]
        assert line.startswith(spec.step)
        assert all(key[:12] in line for key in spec.inputs.values())
        size = sum(path.stat().st_size for path in Store(lab).folder(spec).rglob("*"))
        assert f"{size / 1e6:.1f} MB" in line or abs(size - float(line.split()[2]) * 1e6) < 1e5
    assert lines[-1].startswith("7 artifacts, ")


def test_one_artifact_is_told_with_all_above_and_below(place):
    lab, first, second = place
    text = "\n".join(store.run_command([lab_option(lab), first["pretrain"].key[:10]]))
    above, below = text.split("made from it:")
    for key in (first["corpus"].key, first.tokenizer.key):
        assert key[:12] in above
    for chain in (first, second):
        assert chain["finetune"].key[:12] in below
        assert chain["probe"].key[:12] in below


def test_what_others_were_made_from_stays(place):
    lab, first, _ = place
    before = artifact_keys(lab)
    with pytest.raises(ConfigError, match=r"2 artifacts were made from this pretrain.*users=true"):
        store.run_command([lab_option(lab), f"remove={first['pretrain'].key}"])
    assert artifact_keys(lab) == before


def test_a_leaf_is_removed_alone_and_the_rest_still_complete(place):
    lab, first, second = place
    before = artifact_keys(lab)
    lines = store.run_command([lab_option(lab), f"remove={first['probe'].key[:12]}"])
    assert artifact_keys(lab) == before - {first["probe"].key}
    assert lines[-1].endswith("freed")
    assert complete(Store(lab), second)
    assert not complete(Store(lab), first)
    assert not (lab / "removed").exists()


def test_an_artifact_goes_with_all_that_was_made_from_it(place, lab):
    path, first, second = place
    store.run_command([lab_option(path), f"remove={first['finetune'].key}", "users=true"])
    assert artifact_keys(path) == {step.key for step in second.steps}
    execute(lab.config, path)  # and comes again when it is needed, as it was
    assert Store(path).manifest(first["finetune"])["files"] == lab.store.manifest(first["finetune"])["files"]


def test_a_removal_that_was_stopped_hinders_no_other(place):
    lab, first, second = place
    for key in (first["probe"].key, "other"):
        (lab / "removed" / key).mkdir(parents=True)
        (lab / "removed" / key / "file").write_text("x" * 200_000)
    store.run_command([lab_option(lab), f"remove={first['probe'].key},{first['probe'].key}"])
    assert first["probe"].key not in artifact_keys(lab)
    assert "removed: 0.4 MB; remove=removed clears it" in store.run_command([lab_option(lab)])
    assert store.run_command([lab_option(lab), "remove=removed"]) == ["0.4 MB of removed artifacts removed"]


def test_nothing_goes_before_what_was_made_from_it(place, monkeypatch):
    lab, first, second = place
    gone = []
    monkeypatch.setattr(inventory, "_remove_folder", lambda lab, folder: gone.append(folder.name))
    store.run_command([lab_option(lab), f"remove={first['corpus'].key}", "users=true"])
    assert len(gone) == 7
    for chain in (first, second):
        order = [gone.index(step.key) for step in chain.steps]
        assert order == sorted(order, reverse=True)


def test_several_may_go_together_where_none_that_stays_needs_them(place):
    lab, first, second = place
    store.run_command([lab_option(lab), f"remove={first['finetune'].key},{first['probe'].key}"])
    assert artifact_keys(lab) == {step.key for step in second.steps}


def test_what_a_running_job_holds_stays(place):
    lab, first, _ = place
    before = artifact_keys(lab)
    with (
        FileLock(lab / "locks" / f"{first['probe'].key}.lock", is_singleton=False),
        pytest.raises(ConfigError, match="a running job"),
    ):
        store.run_command([lab_option(lab), f"remove={first['probe'].key},{first['finetune'].key}"])
    assert artifact_keys(lab) == before


def test_leftovers_are_shown_and_cleared(place):
    lab, first, _ = place
    for name in ("partial/pretrain/abc/state", "damaged/probe-1-2"):
        (lab / name).mkdir(parents=True)
        (lab / name / "file").write_text("x" * 200_000)
    lines = store.run_command([lab_option(lab)])
    assert "partial: 0.2 MB; remove=partial clears it" in lines
    assert "damaged: 0.2 MB; remove=damaged clears it" in lines
    with FileLock(lab / "locks" / "abc.lock", is_singleton=False):
        assert store.run_command([lab_option(lab), "remove=partial"]) == ["0.0 MB of partial artifacts removed"]
    assert store.run_command([lab_option(lab), "remove=partial"]) == ["0.2 MB of partial artifacts removed"]
    assert store.run_command([lab_option(lab), "remove=damaged"]) == ["0.2 MB of damaged artifacts removed"]
    assert inventory.leftovers(lab) == {}


def test_an_unreadable_manifest_is_said_and_hides_no_other(place, caplog):
    lab, first, _ = place
    for text in ("{", "null", "{}", "[]"):
        (Store(lab).folder(first["probe"]) / "manifest.json").write_text(text)
        assert store.run_command([lab_option(lab)])[-1].startswith("6 artifacts")
        assert not Store(lab).is_intact(first["probe"])
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
    before = artifact_keys(lab)
    with pytest.raises(ConfigError, match=named):
        store.run_command([lab_option(lab), *words])
    assert artifact_keys(lab) == before


def test_an_ambiguous_key_is_refused(place):
    lab, first, _ = place
    key, folder = first["probe"].key, Store(lab).folder(first["probe"])
    twin = folder.with_name(key[:5] + "x" * 59)
    shutil.copytree(folder, twin)
    manifest = (twin / "manifest.json").read_text()
    (twin / "manifest.json").write_text(manifest.replace(f'"key": "{key}"', f'"key": "{twin.name}"'))
    with pytest.raises(ConfigError, match="2 artifacts"):
        store.run_command([lab_option(lab), f"remove={key[:5]}"])


def test_no_lab_is_said(tmp_path):
    with pytest.raises(ConfigError, match="no lab lies there"):
        store.run_command([lab_option(tmp_path)])


def test_the_oldest_come_first(place):
    lab, _, _ = place
    created = [item.created for item in inventory.list_artifacts(lab)]
    assert created == sorted(created)
