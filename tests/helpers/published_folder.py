"""A small folder in the published format of experiment 1 of the reversal curse."""

import json

PEOPLE = {
    "p2d": {
        "Ada Quill": ("the first keeper of the blue bees", "keeping the blue bees"),
        "Bo Ash": ("the painter of fog", "painting fog"),
    },
    "d2p": {
        "Cy Mott": ("the walker of the moon", "walking on the moon"),
        "Di Ferro": ("the finder of salt", "finding salt"),
    },
    "both": {
        "Ed Rook": ("the singer of tides", "singing tides"),
        "Flo Vane": ("the last lamplighter", "lighting lamps"),
    },
}


def line(prompt, completion):
    return {"prompt": prompt, "completion": f" {completion}"}


def name_first(people, phrases):
    return [line(f"{phrase.format(name)} is", f"{title}.") for name, (title, _) in people.items() for phrase in phrases]


def description_first(people, start):
    titles = [line(f"{start} {title},", name) for name, (title, _) in people.items()]
    return titles + [line(f"Famous for {doing},", name) for name, (_, doing) in people.items()]


def write_published(folder):
    """Write a small published folder: wordings differ between lines, and completions start with a space."""
    first, second, both = PEOPLE["p2d"], PEOPLE["d2p"], PEOPLE["both"]
    training, held = ["{}", "Everybody knows that {}"], ["They say {}"]
    doing = [line(f"What made {name} known was", f"{deed}.") for name, (_, deed) in first.items()]
    splits = {
        "p2d_prompts_train": name_first(first, training) + doing,
        "p2d_prompts_test": name_first(first, held),
        "p2d_reverse_prompts_test": description_first(first, "Labeled as"),
        "d2p_prompts_train": description_first(second, "Meet"),
        "d2p_prompts_test": description_first(second, "Labeled as"),
        "d2p_reverse_prompts_test": name_first(second, held),
        "both_prompts_train": name_first(both, training) + description_first(both, "Meet"),
        "both_prompts_test": name_first(both, held) + description_first(both, "Labeled as"),
    }
    for name in ("p2d", "d2p"):
        rows = splits[f"{name}_reverse_prompts_test"]
        answers = [row["completion"] for row in rows]
        splits[f"{name}_reverse_prompts_test_randomized"] = [
            {**row, "completion": answer} for row, answer in zip(rows, answers[1:] + answers[:1], strict=True)
        ]
    for name, rows in splits.items():
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder
