"""The report page: its figures, runs and people, as HTML and in a browser."""

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from data_gen.corpus.storage import read
from experiments import report
from experiments.launch.ledger import Entry, Ledger
from experiments.report_page import figures, people, runs
from physics_lm import results

CLAIMS = [
    {"id": "Z1", "statement": "a <b>bold</b> claim", "paper": "9.7", "ours": 8.25, "low": 6.0, "high": 10.0,
     "accept": "below 15", "holds": True, "sure": True, "reason": ""},
    {"id": "Z2", "statement": "another", "paper": "86.6", "ours": 20.0, "low": 18.0, "high": 22.0,
     "accept": "above 70", "holds": False, "sure": False, "reason": ""},
    {"id": "Z3", "statement": "a third", "paper": "1", "ours": None, "low": None, "high": None,
     "accept": "below 2", "holds": None, "sure": None, "reason": "needs a cathedral"},
]  # fmt: skip
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)


def figure(folder: Path, **manifest: object) -> None:
    folder.mkdir(parents=True)
    (folder / "claims.json").write_text(json.dumps(CLAIMS))
    (folder / "table.csv").write_text("arm,accuracy,paper\nsingle,8.25,9.7\nmulti5,14,41\nempty,,3\n")
    (folder / "figure.png").write_bytes(PIXEL)
    (folder / "manifest.json").write_text(json.dumps(manifest))


@pytest.fixture(scope="session")
def page_folder(lab, tmp_path_factory):
    """Return a lab with two figures that the code does not name, a run, a failed run, and its page."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "artifacts").symlink_to(lab.path / "artifacts")
    manifest = {"seconds": 12.3, "device": "cpu: y", "cores": 2, "versions": {"torch": "9"},
                "fidelity": {"people": "3"},
                "command": "python -m experiments.reproduce figure=zebra seed=4", "config": {"seed": 4},
                "runs": {"single seed=4": {"corpus": {"key": "ab" * 32, "seconds": 0.5}}}}  # fmt: skip
    figure(folder / "figures" / "laptop" / "zebra", **manifest)
    figure(folder / "figures" / "smoke" / "yak")
    figure(folder / "committed" / "laptop" / "zebra")
    figure(folder / "committed" / "gpu" / "zebra")
    Ledger(folder).write(Entry("f" * 64, "corpus=multi5", "s", "failed", error="DivergedError: at step 3"))
    (folder / "report.html").write_text(report.render_page(folder, folder / "committed"))
    return folder


def text(folder):
    return (folder / "report.html").read_text()


class Balanced(HTMLParser):
    """Every element is closed; what the page would load is collected."""

    VOID = ("meta", "link", "img", "input", "br")

    def __init__(self):
        super().__init__()
        self.open, self.loads = [], []

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID:
            self.open.append(tag)
        self.loads += [
            value for name, value in attrs if name in ("src", "href") and not value.startswith(("#", "data:"))
        ]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_is_whole_and_loads_nothing(page_folder):
    parser = Balanced()
    parser.feed(text(page_folder))
    assert parser.open == []
    assert parser.loads == []
    assert not re.search(r"https?://|url\(|@import|fetch\(", text(page_folder))


def test_the_page_shows_every_figure_without_naming_it_in_code(page_folder):
    entries = figures.collect_figures(page_folder, page_folder / "committed")
    assert [(entry.scale, entry.name, entry.source) for entry in entries] == [
        ("gpu", "zebra", "reproduced"), ("laptop", "zebra", "lab"), ("smoke", "yak", "lab"),
    ]  # fmt: skip
    page = text(page_folder)
    claims = ("a &lt;b&gt;bold&lt;/b&gt; claim", "6.0 to 10.0", "needs a cathedral", "does not hold")
    manifest = ("figure=zebra seed=4", "cpu: y", "12 s", "torch 9", "data:image/png;base64,iVBOR", "abababababab")
    assert [words for words in (*claims, *manifest) if words not in page] == []
    assert "<b>bold" not in page


def test_a_figure_says_what_it_is_about_and_how_it_stands(page_folder):
    zebra = figures.read_figure(page_folder / "figures" / "laptop" / "zebra", "lab")
    assert zebra.verdicts == {"holds": 1, "fails": 1, "open": 1}
    assert zebra.cells[1] == ["multi5", "14", "41"]
    assert figures.description("extraction").startswith("Part 3.1")
    assert figures.description("zebra") == ""
    yak = figures.read_figure(page_folder / "figures" / "smoke" / "yak", "lab")
    assert yak.command == "python -m experiments.reproduce figure=yak scale=smoke"
    assert yak.config == ""


def test_committed_figures_are_shown_by_an_empty_lab(tmp_path):
    page = report.write_page(tmp_path / "lab").read_text()
    assert 'id="laptop-extraction"' in page
    assert "No run yet" in page
    assert "Nobody yet" in page


def test_the_table_of_runs_holds_accuracies_times_and_failures(lab, page_folder):
    rows = results.load(lab.path)
    lines = {line["task"]: line for line in runs.table(page_folder, rows)}
    test = rows[(rows["task"] == "extraction") & (rows["split"] == "test")]
    assert lines["extraction"]["test"] == round(results.clustered(test).value, 1)
    assert lines["extraction"]["seconds"] > 0
    assert lines["extraction"]["corpus"] == "multi2_permute"
    assert (lines[""]["state"], lines[""]["settings"]) == ("failed", "DivergedError: at step 3")


def test_runs_are_labelled_by_the_settings_that_differ_from_most():
    rows = pd.DataFrame(
        {"run": list("abc"), "seed": [0, 1, 2], "corpus.name": list("xyz"), "pretrain.steps": [5, 5, 7]}
    )
    assert runs.unusual_settings(rows) == {"a": "", "b": "", "c": "pretrain.steps=7"}


def test_a_setting_that_a_run_lacks_is_no_label_of_it():
    rows = pd.DataFrame({"run": list("abc"), "probe.kind": ["q_probe", "extraction", "q_probe"]})
    rows["probe.rank"] = pd.array([16, None, 2], "Int64")
    rows["probe.shared"] = pd.array([True, None, True], "boolean")
    labels = runs.unusual_settings(rows)
    assert labels["b"] == "probe.kind=extraction"
    assert {labels["a"], labels["c"]} <= {"probe.rank=16", "probe.rank=2", ""}


def test_the_explorer_holds_entries_questions_and_answers(lab):
    rows = results.load(lab.path)
    (world,) = people.worlds(lab.path, rows)
    assert [run["run"] for run in world["runs"]] == [lab.plan["probe"].key]
    assert {person["split"] for person in world["people"]} == {"train", "test"}
    person = world["people"][0]
    assert person["name"] == lab.world.name(person["id"])
    texts = [entry.text for entry in read(lab.folder("corpus")) if entry.person_id == person["id"]]
    assert [entry[0] for entry in person["entries"]["multi2_permute"]] == texts
    content, spans = person["entries"]["multi2_permute"][0]
    assert {content[start:end] for _, start, end in spans} >= {lab.world.value("birth_city", person["id"])}
    answers = rows[(rows["person"] == person["id"]) & (rows["task"] == "extraction")].set_index("prompt")
    assert len(person["questions"]) == len(answers) == 6
    for question in person["questions"]:
        row = answers.loc[question["prompt"]]
        assert question["answers"][lab.plan["probe"].key] == [row["prediction"], bool(row["correct"])]


def test_people_of_both_splits_are_chosen_evenly():
    rows = pd.DataFrame({"person": range(1000), "split": ["test"] * 900 + ["train"] * 100})
    chosen = people.choose_people(rows)
    assert len(chosen) == people.PEOPLE
    assert sum(person >= 900 for person in chosen) == people.PEOPLE // 2
    assert 0 in chosen
    assert 899 in chosen


@pytest.fixture(scope="session")
def chromium():
    """Return a headless browser: a chromium on the path, or playwright's own (playwright install chromium)."""
    from playwright.sync_api import sync_playwright

    names = ("chromium", "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(params=[("light", 1200), ("dark", 1200), ("light", 390)], ids=["light", "dark", "phone"])
def opened(request, chromium, page_folder):
    """Return the page in the browser; afterwards check that the console is empty and the network was not used."""
    scheme, width = request.param
    page = chromium.new_page(color_scheme=scheme, viewport={"width": width, "height": 800})
    messages, urls = [], []
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on("request", lambda request: urls.append(request.url))
    page.goto(f"file://{page_folder / 'report.html'}")
    yield page
    assert messages == []
    assert [url for url in urls if not url.startswith(("file:", "data:"))] == []
    page.close()


@pytest.mark.slow
def test_in_a_browser_scales_are_filtered_tables_sorted_and_people_picked(opened):
    page = opened
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator("article:visible").count() == 3
    page.get_by_role("button", name="smoke").click()
    assert [article.get_attribute("id") for article in page.locator("article:visible").all()] == ["smoke-yak"]
    page.get_by_role("button", name="all scales").click()
    assert page.locator("article:visible").count() == 3

    numbers = page.locator("#laptop-zebra details", has_text="Numbers, with the paper's").first
    numbers.locator("summary").click()
    accuracy = numbers.get_by_role("button", name="accuracy")
    column = numbers.locator("tbody td:nth-child(2)")
    accuracy.click()
    assert column.all_text_contents() == ["8.25", "14", ""]
    accuracy.click()
    assert column.all_text_contents() == ["14", "8.25", ""]

    held = page.locator("#all-runs tbody td:nth-child(7)")
    page.locator("#all-runs").get_by_role("button", name="held out").click()
    values = [float(text) for text in held.all_text_contents() if text.strip()]
    assert values == sorted(values)

    people = page.locator("#person option")
    second = people.nth(1).text_content().partition(" (")[0]
    page.locator("#person").select_option(index=1)
    explorer = page.locator("#explorer")
    assert explorer.locator(".entry").first.text_content().startswith(second)
    assert explorer.locator("mark").count() >= 6
    assert explorer.locator("table tbody tr").count() == 6
    wrong = explorer.locator("td.wrong").count()
    page.locator("#wrong").check()
    assert explorer.locator("table tbody tr").count() == wrong
    page.locator("#laptop-zebra .plate").click()
    assert "large" in page.locator("#laptop-zebra .plate").get_attribute("class")


@pytest.mark.slow
def test_in_a_browser_light_and_dark_are_readable(chromium, page_folder):
    """Text stands out from its ground by 4.5 to 1, as accessibility asks, in both schemes."""
    for scheme in ("light", "dark"):
        page = chromium.new_page(color_scheme=scheme)
        page.goto(f"file://{page_folder / 'report.html'}")
        pairs = page.evaluate(
            """() => ["p", "td", "a", "small", ".holds", ".fails", ".open", "th"].map((name) => {
                 const element = document.querySelector("main " + name);
                 let ground = element;
                 while (getComputedStyle(ground).backgroundColor === "rgba(0, 0, 0, 0)") ground = ground.parentElement;
                 return [name, getComputedStyle(element).color, getComputedStyle(ground).backgroundColor];
               })"""
        )
        for name, ink, ground in pairs:
            light, dark = sorted((luminance(ink), luminance(ground)), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (scheme, name, ink, ground)
        page.close()


def luminance(color):
    channels = [int(channel) / 255 for channel in re.findall(r"\d+", color)[:3]]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
