"use strict";

// filter by scale
const buttons = [...document.querySelectorAll("[data-filter]")];
for (const button of buttons) {
  button.addEventListener("click", () => {
    for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
    const scale = button.dataset.filter;
    for (const part of document.querySelectorAll("[data-scale]")) {
      part.hidden = scale !== "" && part.dataset.scale !== scale;
    }
  });
}

// a figure at its full size
for (const plate of document.querySelectorAll(".plate")) {
  plate.addEventListener("click", (event) => {
    event.preventDefault();
    plate.classList.toggle("large");
  });
}

// sortable tables: numbers as numbers, empty cells last
function value(row, column) {
  const text = row.cells[column].textContent.trim();
  return text !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
}

function compare(first, second) {
  if (first === "" || second === "") return (first === "") - (second === "");
  if (typeof first === "number" && typeof second === "number") return first - second;
  return String(first).localeCompare(String(second), "en", { numeric: true });
}

for (const table of document.querySelectorAll(".sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    head.querySelector("button").addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const body = table.tBodies[0];
      const rows = [...body.rows].sort((a, b) => {
        const [first, second] = [value(a, column), value(b, column)];
        const order = compare(first, second);
        return down && first !== "" && second !== "" ? -order : order;
      });
      body.append(...rows);
    });
  });
}

// the person explorer
const data = document.getElementById("worlds");
if (data) explore(JSON.parse(data.textContent));

function make(kind, properties, ...children) {
  const element = Object.assign(document.createElement(kind), properties);
  element.append(...children);
  return element;
}

function explore(worlds) {
  const [world, person, wrong, place] = ["world", "person", "wrong", "explorer"].map((id) => document.getElementById(id));
  world.append(...worlds.map((entry) => make("option", { value: entry.id, textContent: entry.label })));
  const chosen = () => worlds[world.selectedIndex];
  const fill = () => {
    person.replaceChildren(...chosen().people.map((entry) => {
      const split = { test: " (held out)", train: " (questions trained on)" }[entry.split] ?? "";
      return make("option", { value: entry.id, textContent: `${entry.name || entry.id}${split}` });
    }));
    show();
  };
  const show = () => {
    const selected = chosen().people[person.selectedIndex];
    place.replaceChildren(...(selected ? [...biographySection(selected), ...questionSection(selected, chosen().runs, wrong.checked)] : []));
  };
  world.addEventListener("change", fill);
  person.addEventListener("change", show);
  wrong.addEventListener("change", show);
  fill();
}

function biographySection(person) {
  const parts = [make("h3", { textContent: "What was written" })];
  for (const [corpus, entries] of Object.entries(person.entries)) {
    const texts = entries.map(([text, spans]) => make("p", { className: "entry" }, ...highlighted(text, spans)));
    const summary = make("summary", { textContent: `${corpus}: ${entries.length} ${entries.length === 1 ? "entry" : "entries"}` });
    parts.push(make("details", { open: parts.length === 1 }, summary, ...texts));
  }
  return parts;
}

function highlighted(text, spans) {
  const parts = [];
  let last = 0;
  for (const [attribute, start, end] of [...spans].sort((a, b) => a[1] - b[1])) {
    parts.push(text.slice(last, start), make("mark", { title: attribute.replaceAll("_", " ") }, text.slice(start, end)));
    last = end;
  }
  parts.push(text.slice(last));
  return parts;
}

function questionSection(person, runs, onlyWrong) {
  const evaluated = runs.filter((run) => person.questions.some((question) => run.run in question.answers));
  const questions = person.questions.filter(
    (question) => !onlyWrong || Object.values(question.answers).some(([, right]) => !right));
  const head = make("tr", {}, ...["question", "right answer", ...evaluated.map((run) => run.label)].map(
    (name) => make("th", { textContent: name })));
  const rows = questions.map((question) => make("tr", {},
    make("td", { textContent: question.prompt, className: "wide" }),
    make("td", { textContent: question.gold }),
    ...evaluated.map((run) => answerCell(question.answers[run.run]))));
  const table = make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows));
  const scroll = make("div", { className: "scroll", tabIndex: 0 }, table);
  return [make("h3", { textContent: `What was asked, and what each model answered (${questions.length})` }), scroll];
}

function answerCell(answer) {
  if (!answer) return make("td", { textContent: "not asked" , className: "quiet" });
  const [text, right] = answer;
  return make("td", { textContent: text === "" ? "(nothing)" : text, className: right ? "right" : "wrong" });
}
