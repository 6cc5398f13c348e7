import numpy as np
import pytest
import torch
from kind_configs import model_config

from physics_lm import models
from physics_lm.config.training import TrainConfig
from physics_lm.data import encoding, tokenizers
from physics_lm.data.batches import QuestionBatches
from physics_lm.inference import exact_match
from physics_lm.training.loop import Training


@pytest.fixture(scope="module")
def tokenizer(lab):
    return tokenizers.load(lab.folder("tokenizer"))


@pytest.fixture(scope="module")
def questions(lab):
    return lab.questions


@pytest.fixture(scope="module")
def model(lab, tokenizer, questions, tmp_path_factory):
    """Return a model that has learned some answers, so that right and wrong ones occur."""
    model = models.build(model_config("gpt2_rotary", 2, 64, 4, 128), len(tokenizer), tokenizer.eos_token_id, 0)
    encoded = encoding.encode(tokenizer, [question for question in questions if question.split == "train"])
    batches = QuestionBatches(encoded.sequences, encoded.start, 32, 0, tokenizer.eos_token_id)
    config = TrainConfig(steps=70, batch=32, lr=5e-3, optimizer="muon", warmup=5, save_every=999, precision="fp32")
    Training(model, batches, config, tmp_path_factory.mktemp("state")).run("test")
    return model.eval()


@pytest.fixture(scope="module")
def scores(model, tokenizer, questions):
    return exact_match.score(model, tokenizer, encoding.encode(tokenizer, questions), 32)


@torch.no_grad()
def greedy(model, tokenizer, questions):
    """Generate each answer to its end; prompts of one length together, so that nothing is padded."""
    prompts = [[tokenizer.eos_token_id, *tokenizer(q.prompt, add_special_tokens=False)["input_ids"]] for q in questions]
    answers = {}
    for length in {len(prompt) for prompt in prompts}:
        index = [i for i, prompt in enumerate(prompts) if len(prompt) == length]
        ids = torch.tensor([prompts[i] for i in index], device=model.device)
        out = model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            do_sample=False,
            max_new_tokens=12,
            pad_token_id=tokenizer.eos_token_id,
        )
        answers.update(zip(index, out[:, length:].tolist(), strict=True))
    return [answers[i] for i in range(len(prompts))]


def test_one_pass_exact_match_is_greedy_generation(model, tokenizer, questions, scores):
    answers = greedy(model, tokenizer, questions)
    golds = [tokenizer(question.gold, add_special_tokens=False)["input_ids"] for question in questions]
    right = [answer[: len(gold)] == gold for answer, gold in zip(answers, golds, strict=True)]
    assert [score.correct for score in scores] == right
    assert 0.1 < np.mean(right) < 0.9


def test_a_right_answer_reads_as_the_gold_and_a_wrong_one_does_not(questions, scores):
    for question, score in zip(questions, scores, strict=True):
        assert (score.prediction == question.gold) == score.correct
        assert 0 <= score.tokens_correct <= score.tokens


def test_confidence_is_the_probability_of_the_likeliest_first_token(model, tokenizer, questions, scores):
    for question, score in list(zip(questions, scores, strict=True))[::5]:
        ids = [tokenizer.eos_token_id, *tokenizer(question.prompt, add_special_tokens=False)["input_ids"]]
        with torch.no_grad():
            likely = model(input_ids=torch.tensor([ids])).logits[0, -1].softmax(-1)
        assert score.confidence == pytest.approx(likely.max().item(), rel=1e-4)


def test_the_golds_logprob_is_the_naive_one(model, tokenizer, questions, scores):
    for question, score in list(zip(questions, scores, strict=True))[::5]:
        head, tail = (
            tokenizer(text, add_special_tokens=False)["input_ids"] for text in (question.prompt, question.gold)
        )
        ids = [tokenizer.eos_token_id, *head, *tail]
        with torch.no_grad():
            logprob = model(input_ids=torch.tensor([ids], device=model.device)).logits[0].log_softmax(-1)
        expected = sum(logprob[place - 1, ids[place]].item() for place in range(1 + len(head), len(ids)))
        assert score.gold_logprob == pytest.approx(expected, abs=1e-3)
        assert score.tokens == len(tail)


@pytest.mark.parametrize("batch", [1, 7, 1000])
def test_the_batch_size_changes_nothing(model, tokenizer, questions, scores, batch):
    again = exact_match.score(model, tokenizer, encoding.encode(tokenizer, questions), batch)
    assert [score.prediction for score in again] == [score.prediction for score in scores]
    assert [score.tokens_correct for score in again] == [score.tokens_correct for score in scores]
    np.testing.assert_allclose(
        [score.gold_logprob for score in again], [score.gold_logprob for score in scores], atol=1e-4
    )


def test_a_question_is_prompt_answer_and_end_tokens(tokenizer, questions):
    encoded = encoding.encode(tokenizer, questions)
    for number, question in enumerate(questions):
        ids = encoded.sequences[encoded.sequence_index[number]]
        start, stop = encoded.start[number], encoded.stop[number]
        assert ids[0] == tokenizer.eos_token_id
        assert tokenizer.decode(ids[1:start]).strip() == question.prompt
        assert tokenizer.decode(ids[start:stop]).strip() == question.gold


def test_an_entrys_slices_hold_exactly_its_values(lab, tokenizer):
    encoded = encoding.encode_entries(tokenizer, lab.entries)
    values = [(number, entry.text[s.start : s.end]) for number, entry in enumerate(lab.entries) for s in entry.spans]
    assert encoded.sequence_index.tolist() == [number for number, _ in values]
    assert len(encoded.sequences) == len(lab.entries)
    for number, (_, value) in enumerate(values):
        ids = encoded.sequences[encoded.sequence_index[number]][encoded.start[number] : encoded.stop[number]]
        assert ids.tolist() == tokenizer(value, add_special_tokens=False)["input_ids"]


def test_a_whole_entry_scores_as_its_value_after_its_text_alone(lab, tokenizer, model):
    """One pass over an entry equals one pass per value: nothing after a value reaches it."""
    entries = lab.entries[:3]
    together = exact_match.score(model, tokenizer, encoding.encode_entries(tokenizer, entries), 8)
    encoded = encoding.encode_entries(tokenizer, entries)
    for number, score in enumerate(together):
        ids = encoded.sequences[encoded.sequence_index[number]][: encoded.stop[number]].tolist()
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([ids], device=model.device)).logits[0]
        start, stop = int(encoded.start[number]), int(encoded.stop[number])
        predicted = logits.argmax(-1)[start - 1 : stop - 1].tolist()
        assert score.tokens_correct == sum(a == b for a, b in zip(predicted, ids[start:stop], strict=True))
