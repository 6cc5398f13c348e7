"""Asking a checkpoint: the answer, its probabilities, and the command that prints them."""

import sys

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from data_gen.errors import ConfigError
from experiments import ask
from physics_lm.inference import ask as inference
from physics_lm.objectives._shared import causality


@pytest.fixture(scope="module")
def loaded(lab):
    return inference.load(lab.folder("finetune"))


def generate_answer(lab, prompt):
    """Return the greedy answer of plain transformers, up to the full stop or the end token."""
    tokenizer = AutoTokenizer.from_pretrained(lab.folder("finetune"))
    model = AutoModelForCausalLM.from_pretrained(lab.folder("finetune")).eval()
    ids = torch.tensor([[tokenizer.eos_token_id, *tokenizer(prompt)["input_ids"]]])
    mask = torch.ones_like(ids)
    output = model.generate(
        ids, attention_mask=mask, do_sample=False, max_new_tokens=24, pad_token_id=tokenizer.eos_token_id
    )
    text = tokenizer.decode(output[0, ids.shape[1] :]).split(tokenizer.eos_token)[0].strip()
    return text.partition(".")[0] + "." * ("." in text)


def test_the_answer_is_greedy_generation(lab, loaded):
    for question in lab.questions[:12]:
        assert inference.join_tokens(inference.answer(*loaded, question.prompt)) == generate_answer(
            lab, question.prompt
        )


def test_each_tokens_probability_and_runners_up_are_the_models(lab, loaded):
    prompt = lab.questions[0].prompt
    tokens = inference.answer(*loaded, prompt, runners_up=4)
    tokenizer = AutoTokenizer.from_pretrained(lab.folder("finetune"))
    model = AutoModelForCausalLM.from_pretrained(lab.folder("finetune")).eval()
    ids = [tokenizer.eos_token_id, *tokenizer(prompt)["input_ids"]]
    for token in tokens:
        with torch.no_grad():
            probabilities = model(input_ids=torch.tensor([ids])).logits[0, -1].softmax(-1)
        order = probabilities.argsort(descending=True)[:5].tolist()
        assert token.text == tokenizer.decode(order[:1])
        assert token.probability == pytest.approx(probabilities[order[0]].item(), abs=1e-5)
        assert [text for text, _ in token.runners_up] == [tokenizer.decode([i]) for i in order[1:]]
        expected = pytest.approx([probabilities[i].item() for i in order[1:]], abs=1e-5)
        assert [probability for _, probability in token.runners_up] == expected
        ids.append(order[0])
    assert len(tokens) >= 1


def test_an_answer_ends_at_the_stop_or_at_the_limit(lab, loaded):
    tokens = inference.answer(*loaded, lab.questions[0].prompt, max_tokens=2)
    assert len(tokens) <= 2
    full_answer = inference.answer(*loaded, lab.questions[0].prompt)
    assert not any(token.text.endswith(".") for token in full_answer[:-1])
    assert inference.answer(*loaded, lab.questions[0].prompt, runners_up=10**6)[0].runners_up


def test_what_cannot_be_answered_is_refused(lab, loaded):
    with pytest.raises(ConfigError, match="shorten it"):
        inference.answer(*loaded, " ".join([lab.questions[0].prompt] * 40))
    model, tokenizer = inference.load(lab.folder("finetune"))
    with pytest.raises(ConfigError, match="is bidirectional"):
        inference.answer(causality.set_attention(model, True), tokenizer, lab.questions[0].prompt)


def output_lines(monkeypatch, capsys, *words):
    monkeypatch.setattr(sys, "argv", ["ask", *words])
    ask.main()
    return capsys.readouterr().out.splitlines()


def test_the_command_answers_by_folder_and_by_key(lab, monkeypatch, capsys):
    prompt = lab.questions[0].prompt
    question = prompt.removesuffix(" Answer:")
    by_folder = output_lines(monkeypatch, capsys, str(lab.folder("finetune")), question)
    assert by_folder[0] == f"{prompt} {generate_answer(lab, prompt)}"
    assert len(by_folder) == 2 + len(inference.answer(*inference.load(lab.folder("finetune")), prompt))
    assert all("%" in line for line in by_folder[2:])
    key = lab.plan["finetune"].key[:10]
    assert output_lines(monkeypatch, capsys, f"paths.lab={lab.path}", key, question, "--runners-up", "3") == by_folder


def test_words_the_tokenizer_lacks_are_named(lab, monkeypatch, capsys):
    lines = output_lines(
        monkeypatch, capsys, str(lab.folder("finetune")), "Which university did Zaphod Beeblebrox study?"
    )
    assert lines[0] == "unknown to this model's tokenizer: Zaphod, Beeblebrox"


@pytest.mark.parametrize("name", ["nowhere", "abc123", "."])
def test_no_checkpoint_ends_in_one_line(lab, tmp_path, monkeypatch, capsys, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        output_lines(monkeypatch, capsys, name, "What?", f"paths.lab={lab.path}")
    assert stopped.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_key_of_several_checkpoints_is_refused(lab, tmp_path):
    for name in ("pretrain/aaa1", "finetune/aaa2"):
        (tmp_path / "artifacts" / name).mkdir(parents=True)
        (tmp_path / "artifacts" / name / "config.json").write_text("{}")
    with pytest.raises(ConfigError, match="aaa: 2 keys begin so"):
        ask.find_checkpoint("aaa", tmp_path)
