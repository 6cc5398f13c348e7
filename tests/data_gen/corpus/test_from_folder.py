"""Entries written elsewhere: reading, refusal of faulty ones, and a run of the whole pipeline on them."""

import json
import shutil

import pandas as pd
import pytest
from datasets import Dataset, load_from_disk
from small_worlds import SINGLE, render_entries, small_world

from data_gen import fingerprint
from data_gen.biographies import biography
from data_gen.biographies.biography import Span
from data_gen.corpus import from_folder
from data_gen.errors import AuditError, ConfigError
from data_gen.people.attributes import NAMES
from physics_lm.plan import plan
from physics_lm.run import execute
from physics_lm.store.artifacts import Store

VALUES = {
    "birth_date": "May 1, 1900",
    "birth_city": "Austin, TX",
    "university": "University of Iowa",
    "major": "History",
    "employer": "Dell",
    "company_city": "Austin, TX",
}
TEXT = "Ann, of Austin, TX, born May 1, 1900, read History at University of Iowa and joined Dell in Austin, TX."


@pytest.fixture(scope="module")
def world():
    return small_world(30, first_person=5)


@pytest.fixture(scope="module")
def entries(world):
    return render_entries(world, SINGLE)


def lines(entries, **columns):
    return [{"text": e.text, "person_id": e.person_id, **columns} for e in entries]


def write(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return str(path)


def test_each_value_is_found_once_at_a_place_of_its_own():
    spans = biography.locate_values(TEXT, VALUES)
    assert {(span.attribute, TEXT[span.start : span.end]) for span in spans} == set(VALUES.items())
    assert [span.start for span in spans] == sorted(span.start for span in spans)
    assert len({span.start for span in spans}) == 6


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        (TEXT.replace(" in Austin, TX.", "."), "city"),
        (TEXT.replace("History", "Art History").replace("History", "Histories"), "major"),
        (TEXT.replace(" Dell ", " Dellwood "), "employer"),
        (TEXT.replace(" Dell ", " (Dell) "), "employer"),
        (TEXT.replace("1900", "1901"), "birth_date"),
    ],
)
def test_a_value_that_does_not_stand_free_is_not_there(text, missing):
    with pytest.raises(ValueError, match=f"the text lacks the value of .*{missing}"):
        biography.locate_values(text, VALUES)


def test_a_value_within_a_longer_one_is_not_taken_for_it():
    values = {**VALUES, "major": "Art", "university": "College of Art"}
    text = TEXT.replace("University of Iowa", "College of Art").replace("History", "Art")
    spans = {span.attribute: span for span in biography.locate_values(text, values)}
    assert spans["major"].end <= spans["university"].start
    with pytest.raises(ValueError, match="the text lacks the value of major"):
        biography.locate_values(text.replace("read Art ", "read "), values)


def test_a_jsonl_file_a_folder_of_them_and_a_datasets_folder_read_the_same(tmp_path, world, entries):
    rows = lines(entries)
    whole = write(tmp_path / "one.jsonl", [*rows[:3], "", *rows[3:]])
    write(tmp_path / "many" / "a.jsonl", rows[:10])
    write(tmp_path / "many" / "b.jsonl", rows[10:])
    Dataset.from_list(rows).save_to_disk(str(tmp_path / "set"))
    for path in (whole, str(tmp_path / "many"), str(tmp_path / "set")):
        assert from_folder.read(path, world) == entries


def test_given_spans_and_groups_are_kept(tmp_path, world, entries):
    rows = lines(entries, group="guests")
    for row, entry in zip(rows, entries, strict=True):
        row["spans"] = [{"attribute": s.attribute, "start": s.start, "end": s.end} for s in reversed(entry.spans)]
    read = from_folder.read(write(tmp_path / "a.jsonl", rows), world)
    assert [entry.spans for entry in read] == [entry.spans for entry in entries]
    assert {entry.group for entry in read} == {"guests"}


def test_one_report_counts_what_is_wrong_and_says_where(tmp_path, world, entries):
    rows = lines(entries)
    del rows[2]["text"]
    rows[4]["person_id"] = 4
    rows[6]["person_id"] = 35
    rows[7]["person_id"] = "7"
    rows[3]["person_id"] = True
    rows[8]["text"] = rows[8]["text"].replace(world.value("major", 8), "nothing")
    rows[9] = "{not json"
    rows[11]["spans"] = [{"attribute": "major", "start": 0, "end": 3}]
    rows[12]["spans"] = [{"start": 0}]
    for number in range(13, 20):
        del rows[number]["person_id"]
    with pytest.raises(AuditError) as refused:
        from_folder.read(write(tmp_path / "a.jsonl", rows), world)
    message = str(refused.value)
    for words in (
        "16 of 30 entries cannot be used: 7 lack the column person_id (line 14, line 15, line 16, line 17, line 18, ",
        "1 lack the column text (line 3)",
        "2 tell of people unknown to the world (world.people, world.first_person and seed make it) (line 5, line 7)",
        "1 have a person_id of type str instead of int (line 8)",
        "1 have a person_id of type bool instead of int (line 4)",
        "1 have no spans, and the text lacks the value of major (line 9)",
        "1 are no json objects (line 10)",
        "1 have no span that holds the birth_date of their person (line 12)",
        "1 have spans without attribute, start and end (line 13)",
    ):
        assert words in message
    assert "\n" not in message


def test_other_line_ends_a_mark_of_the_order_and_other_spans_are_read(tmp_path, world, entries):
    rows = [{**row, "text": row["text"] + " He said:\u2028no\u0085more."} for row in lines(entries[:2])]
    spans = [{"attribute": "hobby", "start": 0, "end": 3}, *(vars(span) for span in entries[0].spans)]
    rows[0]["spans"] = spans
    path = tmp_path / "marked.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8-sig")
    loaded = from_folder.read(str(path), world)
    assert [entry.text for entry in loaded] == [row["text"] for row in rows]
    assert [span.attribute for span in loaded[0].spans] == [span.attribute for span in entries[0].spans]
    rows[0]["spans"] = [vars(span) | {"start": span.start - 500, "end": span.end - 500} for span in entries[0].spans]
    negative = [vars(entries[0].spans[0]) | {"start": -1}, *(vars(span) for span in entries[0].spans[1:])]
    for below in (rows[0]["spans"], negative):
        rows[0]["spans"] = below
        with pytest.raises(AuditError, match="begin below 0"):
            from_folder.read(write(tmp_path / "below.jsonl", rows), world)


def test_what_is_no_utf8_is_refused_by_name(tmp_path, world):
    (tmp_path / "latin.jsonl").write_text('{"text": "Zo\xeb"}', encoding="latin-1")
    with pytest.raises(ConfigError, match=r"latin\.jsonl is no UTF-8"):
        from_folder.read(str(tmp_path / "latin.jsonl"), world)


def test_a_report_names_the_file_or_the_row(tmp_path, world, entries):
    rows = lines(entries)
    rows[1]["person_id"] = 99
    write(tmp_path / "many" / "a.jsonl", rows[:1])
    write(tmp_path / "many" / "b.jsonl", rows[1:])
    Dataset.from_list(rows).save_to_disk(str(tmp_path / "set"))
    for path, place in (("many", r"b\.jsonl line 1"), ("set", "row 1")):
        with pytest.raises(AuditError, match=rf"\({place}\)"):
            from_folder.read(str(tmp_path / path), world)


def test_a_datasets_folder_without_a_column_is_refused(tmp_path, world, entries):
    Dataset.from_list([{"text": entry.text} for entry in entries]).save_to_disk(str(tmp_path))
    with pytest.raises(AuditError, match=r"30 of 30 .* lack the column person_id \(row 0, row 1"):
        from_folder.read(str(tmp_path), world)


def test_nothing_to_read_is_refused(tmp_path, world):
    for path in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(ConfigError, match="corpus.path="):
            from_folder.read(str(path), world)
    with pytest.raises(AuditError, match="there are no entries"):
        from_folder.read(write(tmp_path / "a.jsonl", []), world)


def test_a_fingerprint_is_of_what_is_there_and_not_of_where(tmp_path, world, entries):
    first, second = write(tmp_path / "x" / "a.jsonl", lines(entries)), write(tmp_path / "y" / "a.jsonl", lines(entries))
    prints = {fingerprint.content_sha256(path) for path in (first, second)}
    assert len(prints) == 1
    shutil.copytree(tmp_path / "x", tmp_path / "z")
    assert fingerprint.content_sha256(str(tmp_path / "x")) == fingerprint.content_sha256(str(tmp_path / "z"))
    write(tmp_path / "z" / "a.jsonl", lines(entries[1:]))
    assert fingerprint.content_sha256(str(tmp_path / "x")) != fingerprint.content_sha256(str(tmp_path / "z"))


@pytest.mark.parametrize(
    ("overrides", "named"),
    [
        (["corpus=folder"], "corpus.path="),
        (["corpus=folder", "corpus.path=nowhere"], "corpus.path=nowhere"),
        (["corpus=single", "corpus.path=nowhere"], "corpus.path=nowhere"),
        (["corpus=folder", "corpus.path=.", "corpus.fresh=true"], "corpus.fresh"),
        (["corpus.kind=book"], "corpus.kind=book"),
    ],
)
def test_bad_settings_are_refused_before_any_work(smoke, tmp_path, overrides, named):
    with pytest.raises(ConfigError, match=named):
        execute(smoke(*overrides), tmp_path / "lab")
    assert not (tmp_path / "lab").exists()


def test_texts_from_elsewhere_go_all_the_way_and_give_what_our_own_give(lab, smoke, tmp_path):
    """The entries of a lab, read back from a folder, give the same weights and the same answers."""
    rows = lines(lab.entries)
    for row, entry in zip(rows, lab.entries, strict=True):  # a value told twice could stand for either attribute
        row["spans"] = [{"attribute": s.attribute, "start": s.start, "end": s.end} for s in entry.spans]
    write(tmp_path / "texts" / "a.jsonl", rows)
    config = smoke("corpus=folder", f"corpus.path={tmp_path / 'texts'}")
    rows = pd.read_parquet(execute(config, tmp_path / "lab") / "rows.parquet")
    store, chain = Store(tmp_path / "lab"), plan(config)
    for step in ("pretrain", "finetune"):
        expected = lab.store.manifest(lab.plan[step])["files"]["model.safetensors"]
        assert store.manifest(chain[step])["files"]["model.safetensors"] == expected
    expected = pd.read_parquet(lab.folder("probe") / "rows.parquet")
    same = ["task", "person", "attribute", "split", "prompt", "gold", "prediction", "correct", "gold_logprob"]
    pd.testing.assert_frame_equal(rows[same], expected[same])
    assert not rows.astype(str).apply(lambda column: column.str.contains(str(tmp_path), regex=False)).any(axis=None)
    card = (store.folder(chain["corpus"]) / "README.md").read_text()
    assert str(tmp_path) not in card
    assert "license: other" in card
    shutil.move(tmp_path / "texts", tmp_path / "moved")
    moved = smoke("corpus=folder", f"corpus.path={tmp_path / 'moved'}")
    assert plan(moved)["probe"] == chain["probe"]
    assert load_from_disk(str(store.folder(chain["corpus"])))[0]["spans"]


def test_every_attribute_is_looked_for(world, entries):
    spans = biography.locate_values(entries[0].text, {name: world.value(name, 0) for name in NAMES})
    assert spans == entries[0].spans
    assert all(isinstance(span, Span) for span in spans)
