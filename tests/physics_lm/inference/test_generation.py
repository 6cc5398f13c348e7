"""Generation in batches: the same as one prompt at a time, and as the one-pass score."""

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, DynamicCache

from physics_lm.data import encoding
from physics_lm.inference import exact_match, generation
from physics_lm.inference.reader import Reader


@pytest.fixture(scope="module")
def loaded(lab):
    folder = lab.folder("finetune")
    return AutoModelForCausalLM.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)


def alone(model, tokenizer, prompt, longest):
    """Decode greedily by hand: no batch, no padding, no cache."""
    ids = [tokenizer.eos_token_id, *tokenizer(prompt)["input_ids"]]
    start = len(ids)
    while len(ids) < start + longest:
        with torch.no_grad():
            ids.append(int(model(input_ids=torch.tensor([ids]), use_cache=False).logits[0, -1].argmax()))
        if ids[-1] == tokenizer.eos_token_id:
            return tokenizer.decode(ids[start:-1]).strip()
    return tokenizer.decode(ids[start:]).strip()


@pytest.mark.parametrize("batch", [1, 7, 500])
def test_a_batch_says_what_each_prompt_says_alone(lab, loaded, batch):
    prompts = [question.prompt for question in lab.questions[::7]]
    prompts += [entry.text[: 10 + 9 * number] for number, entry in enumerate(lab.entries[:5])]  # of many lengths
    texts = generation.generate(*loaded, prompts, 6, batch)
    assert texts == [alone(*loaded, prompt, 6) for prompt in prompts]
    assert len(set(texts)) > 1


def test_a_model_in_training_is_asked_without_its_dropout(lab, loaded, tmp_path):
    model, tokenizer = loaded
    dropping = AutoModelForCausalLM.from_pretrained(
        lab.folder("finetune"), hidden_dropout=0.5, attention_dropout=0.5
    ).train()
    prompts = [question.prompt for question in lab.questions[::9]]
    assert generation.generate(dropping, tokenizer, prompts, 6, 64) == generation.generate(
        model, tokenizer, prompts, 6, 64
    )
    encoded = encoding.encode(tokenizer, lab.questions[::9])
    assert exact_match.score(dropping.train(), tokenizer, encoded, 64) == exact_match.score(
        model, tokenizer, encoded, 64
    )


def test_a_prompt_that_fills_the_context_is_continued_by_one_token(lab, loaded):
    model, tokenizer = loaded
    room = model.config.max_position_embeddings
    words = " ".join(["the"] * (room - 1))
    assert len(tokenizer(words)["input_ids"]) == room - 1
    assert len(tokenizer(generation.generate(model, tokenizer, [words], 9, 1)[0])["input_ids"]) <= 1


def test_generation_agrees_with_the_one_pass_score(lab, smoke, tmp_path_factory):
    """A model that has learned some answers: right in one pass exactly where it writes the gold."""
    from physics_lm.plan import plan
    from physics_lm.run import execute
    from physics_lm.store.artifacts import Store

    config = smoke("corpus=multi2_permute", "finetune.steps=200", "finetune.lr=5e-3")
    folder = tmp_path_factory.mktemp("learned")
    execute(config, folder)
    model_folder = Store(folder).folder(plan(config)["finetune"])
    model, tokenizer = AutoModelForCausalLM.from_pretrained(model_folder), AutoTokenizer.from_pretrained(model_folder)
    scores = exact_match.score(model, tokenizer, encoding.encode(tokenizer, lab.questions), 64)
    texts = generation.generate(model, tokenizer, [question.prompt for question in lab.questions], 12, 64)
    right = [text == question.gold for text, question in zip(texts, lab.questions, strict=True)]
    assert right == [score.correct for score in scores]
    assert 0.05 < sum(right) / len(right) < 1


def test_generation_ends_at_the_end_token_or_the_limit(loaded):
    model, tokenizer = loaded
    texts = generation.generate(model, tokenizer, ["Jennifer"], 3, 4)
    assert len(tokenizer(texts[0])["input_ids"]) <= 3
    assert tokenizer.eos_token not in texts[0]


def test_no_prompts_say_nothing(loaded):
    assert generation.generate(*loaded, [], 5, 8) == []


def test_a_cache_that_is_given_holds_what_was_written_and_a_whole_one_changes_nothing(loaded, lab):
    prompts, made = [question.prompt for question in lab.questions[:6]], []

    def whole():
        made.append(DynamicCache(config=loaded[0].config))
        return made[-1]

    assert Reader(*loaded, 4, whole).write(prompts, 2) == generation.generate(*loaded, prompts, 6, 4)
    assert len(made) == 2
    assert all(cache.get_seq_length() > 6 for cache in made)
