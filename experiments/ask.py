"""Ask a checkpoint: `python -m experiments.ask lab/artifacts/finetune/KEY "What major did NAME study?"`."""

import argparse
import sys
from pathlib import Path

from data_gen.errors import ConfigError
from experiments.launch.config import split_lab
from experiments.launch.errors import exit_on_error


def find_checkpoint(name: str, lab: Path) -> Path:
    """Return a checkpoint's folder, given as that folder or as the beginning of its key in the lab.

    Raises ConfigError unless exactly one checkpoint matches.
    """
    if (folder := Path(name)).is_dir():
        return folder
    matches = [path.parent for path in lab.glob(f"artifacts/*/{name}*/config.json")] if name.isalnum() else []
    if len(matches) != 1:
        reason = f"{len(matches)} keys begin so" if matches else "no folder, and no checkpoint's key begins so"
        raise ConfigError(f"{name}: {reason} in {lab}")
    return matches[0]


def answer_lines(checkpoint: Path, question: str, runners_up: int) -> list[str]:
    """Return the answer as lines of text: first the whole, then each token with its probability and the runners-up."""
    from physics_lm.inference import ask  # heavy: torch and transformers

    model, tokenizer = ask.load(checkpoint)
    prompt = ask.prompt(question)
    tokens = ask.answer(model, tokenizer, prompt, runners_up)
    unknown = ask.unknown_words(tokenizer, prompt)
    lines = [f"unknown to this model's tokenizer: {', '.join(unknown)}"] if unknown else []
    lines += [f"{prompt} {ask.join_tokens(tokens)}", ""]
    for token in tokens:
        alternatives = "   ".join(f"{text.strip()!r} {probability:.1%}" for text, probability in token.runners_up)
        lines.append(f"{token.probability:7.1%}  {token.text.strip():20} {alternatives}")
    return lines


def main() -> None:
    """Answer one question; an error that the user can mend ends the command with one line and status 2."""
    lab, words = split_lab(sys.argv[1:])
    parser = argparse.ArgumentParser(prog="experiments.ask", description=__doc__)
    parser.add_argument("checkpoint", help="a checkpoint folder, or how its key in the lab begins (paths.lab=DIR)")
    parser.add_argument("question")
    parser.add_argument("--runners-up", type=int, default=3, metavar="N", help="how many other tokens are shown")
    args = parser.parse_args(words)
    runners_up = max(0, args.runners_up)
    lines = exit_on_error(lambda: answer_lines(find_checkpoint(args.checkpoint, lab), args.question, runners_up))
    print("\n".join(lines))


if __name__ == "__main__":
    main()
