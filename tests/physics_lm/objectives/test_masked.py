from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from kind_configs import model_config
from transformers import AutoModelForCausalLM, AutoTokenizer

from data_gen.corpus.storage import read
from data_gen.errors import ConfigError
from physics_lm import models
from physics_lm.config.tokenizer import TokenizerConfig
from physics_lm.config.training import TrainConfig
from physics_lm.data import encoding, mask_token, tokenizers
from physics_lm.data.batches import IGNORE, QuestionBatches
from physics_lm.data.ragged import join
from physics_lm.data.windows import WindowBatches, Windows
from physics_lm.inference import exact_match, restored_words
from physics_lm.objectives import causal, masked, uniform
from physics_lm.objectives._shared import causality, restoration
from physics_lm.plan import plan
from physics_lm.probes import bidirectional
from physics_lm.run import execute
from physics_lm.store.artifacts import Store
from physics_lm.training.loop import Training

KINDS = ["gpt2", "gpt2_rotary", "llama", "mistral"]
END, MASK = 0, 31
MASKED = ["pretrain.objective=masked", "finetune.objective=masked"]


def tiny(kind="gpt2_rotary", objective="masked"):
    return causality.set_attention(
        models.build(model_config(kind, 2, 16, 2, 32), 32, END, 0), objective != "causal"
    ).eval()


def loss(kind="masked", rate=0.15, starts=None):
    select = {"masked": masked, "uniform": uniform}[kind].select
    starts = torch.ones(32, dtype=torch.bool) if starts is None else starts
    return restoration.Restoration(select, rate, 3, MASK, END, 31, starts)


def rows(count=200, length=60, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).integers(1, 31, (count, length)))


@torch.no_grad()
def logits(model, ids, **more):
    return model(input_ids=ids, **more).logits


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_later_token_changes_an_earlier_positions_logits(kind, attention):
    ids = rows(1, 8)
    changed = ids.clone()
    changed[0, 6] = (ids[0, 6] + 1) % 30
    bidirectional_model, causal_model = tiny(kind), tiny(kind, "causal")
    for model in (bidirectional_model, causal_model):
        model.set_attn_implementation(attention)
    assert (logits(bidirectional_model, ids) - logits(bidirectional_model, changed))[0, 0].abs().max() > 1e-5
    assert torch.allclose(logits(causal_model, ids)[:, :6], logits(causal_model, changed)[:, :6], atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_model_reads_both_ways_in_plain_transformers(kind, tmp_path):
    model = tiny(kind)
    model.save_pretrained(tmp_path)
    assert torch.equal(
        logits(AutoModelForCausalLM.from_pretrained(tmp_path).eval(), rows(2, 8)), logits(model, rows(2, 8))
    )


def test_a_causal_models_config_is_left_alone():
    assert not hasattr(tiny(objective="causal").config, "is_causal")
    assert not causality.is_bidirectional(causality.set_attention(tiny(), False))


@pytest.mark.parametrize("kind", KINDS)
def test_what_fills_a_row_up_changes_nothing(kind):
    model, text = tiny(kind), torch.tensor([[END, 4, 9, 2, END]])
    filled = torch.cat([text, torch.full((1, 4), END)], dim=1)
    assert restoration.attention_mask(filled, END).tolist() == [[1] * 5 + [0] * 4]
    assert restoration.attention_mask(rows(2, 5), END).all()
    longer = logits(model, filled, attention_mask=restoration.attention_mask(filled, END))[:, :5]
    assert torch.allclose(longer, logits(model, text), atol=1e-5)


@pytest.mark.parametrize("rate", [0.15, 0.6])
def test_the_share_of_masked_random_and_kept_tokens(rate):
    ids = rows()
    masked_ids, targets = loss(rate=rate).mask_batch(ids, ids, 0)
    selected = targets != IGNORE
    assert torch.equal(targets[selected], ids[selected])
    assert torch.equal(masked_ids[~selected], ids[~selected])
    assert selected.float().mean().item() == pytest.approx(rate, abs=0.02)
    inputs = masked_ids[selected]
    assert (inputs == MASK).float().mean().item() == pytest.approx(0.8, abs=0.03)
    assert (inputs == ids[selected]).float().mean().item() == pytest.approx(0.1 + 0.1 / 31, abs=0.03)


def test_words_are_masked_whole():
    ids = rows()
    begins = torch.arange(32) % 3 == 0
    _, targets = loss(rate=0.3, starts=begins).mask_batch(ids, ids, 0)
    selected = targets != IGNORE
    inside = ~begins[ids][:, 1:]
    assert torch.equal(selected[:, 1:][inside], selected[:, :-1][inside])
    edges = begins[ids][:, 1:]
    assert (selected[:, 1:][edges] != selected[:, :-1][edges]).float().mean() > 0.2


def test_a_uniform_rate_is_drawn_for_every_row():
    ids = rows(400)
    masked_ids, targets = loss("uniform").mask_batch(ids, ids, 0)
    selected = targets != IGNORE
    assert torch.equal(masked_ids == MASK, selected)
    share = selected.float().mean(1).numpy()
    assert np.histogram(share, bins=4, range=(0, 1))[0].min() > 60


def test_a_mask_depends_on_the_step_and_the_seed_alone():
    ids = rows(4)
    first, again = loss().mask_batch(ids, ids, 5), loss().mask_batch(ids, ids, 5)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(loss().mask_batch(ids, ids, 6)[0], first[0])


def test_ends_and_unlearned_tokens_are_never_masked_and_given_masks_always_are():
    ids = rows()
    ids[:, 10] = END
    labels = ids.clone()
    labels[:, :5] = IGNORE
    inputs = ids.clone()
    inputs[:, 20] = MASK
    inputs[:, 2] = MASK  # no label: a mask of the text itself
    for kind in ("masked", "uniform"):
        masked_ids, targets = loss(kind, 1.0).mask_batch(inputs, labels, 0)
        assert (targets[:, [*range(5), 10]] == IGNORE).all()
        assert torch.equal(masked_ids[:, [0, 1, 3, 4, 10]], ids[:, [0, 1, 3, 4, 10]])
        assert torch.equal(targets[:, 20], ids[:, 20])
        assert (masked_ids[:, 20] == MASK).all()


def test_the_loss_is_the_cross_entropy_at_the_masks():
    model, ids = tiny(), rows(3, 12)
    objective = loss(rate=0.5)
    masked_ids, targets = objective.mask_batch(ids, ids, 4)
    logprob = logits(model, masked_ids).log_softmax(-1)
    places = (targets != IGNORE).nonzero().tolist()
    expected = -np.mean([logprob[b, t, ids[b, t]].item() for b, t in places])
    assert objective(model, {"input_ids": ids, "labels": ids}, 4).item() == pytest.approx(expected, rel=1e-5)


def test_a_batch_without_a_mask_costs_nothing():
    ids = torch.full((2, 4), END)
    assert loss()(tiny(), {"input_ids": ids, "labels": ids}, 0).item() == 0


class KilledError(Exception):
    """Stands for kill -9 between two steps."""


@pytest.mark.parametrize("kind", ["masked", "uniform"])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("killed", [5, 8])
def test_a_killed_run_ends_in_the_same_bits(tmp_path, kind, precision, killed):
    config = TrainConfig(steps=12, batch=4, optimizer="muon", warmup=2, save_every=4, precision=precision)

    def run(state, until=99):
        def feed(step):
            if step == until:
                raise KilledError
            ids = rows(4, 12, step).numpy().astype(np.int32)
            return {"input_ids": ids, "labels": ids}

        state.mkdir(exist_ok=True)
        loop = Training(tiny(), feed, config, state, loss(kind))
        loop.run("test")
        return loop

    whole = run(tmp_path / "whole")
    with pytest.raises(KilledError):
        run(tmp_path / "killed", killed)
    resumed = run(tmp_path / "killed")
    assert resumed.resumed_at == killed // 4 * 4
    assert resumed.curve == whole.curve
    for name, value in resumed.model.state_dict().items():
        assert torch.equal(value, whole.model.state_dict()[name]), name


@pytest.mark.parametrize("kind", ["word", "bpe"])
def test_words_begin_where_a_space_stood_and_at_signs(kind):
    texts = ["Ann Bowman works in Kalamazoo, on May 3, 1998."]
    tokenizer = mask_token.extend(tokenizers.train(TokenizerConfig(kind, 290), texts))
    assert tokenizer.mask_token == mask_token.MASK
    ids = tokenizer(texts[0])["input_ids"]
    starts = restoration.word_starts(tokenizer)
    words = [word for word in texts[0].replace(",", " ,").replace(".", " .").split()]
    assert starts[ids].sum() == len(words)
    assert (starts[ids].all()) == (kind == "word")
    assert starts[[tokenizer.eos_token_id, mask_token.mask_id(tokenizer)]].all()


def test_the_tokenizer_of_a_causal_run_is_left_alone(lab):
    tokenizer = tokenizers.load(lab.folder("tokenizer"))
    assert causal.extend(tokenizer) is tokenizer
    before = tokenizer.get_vocab()
    after = masked.extend(tokenizer).get_vocab()
    assert {word: after[word] for word in before} == before
    assert after[mask_token.MASK] == len(before)


def test_rows_hide_the_answer_and_show_the_end():
    batches = QuestionBatches(join([[1, 2, 3, 4], [5, 6, 7]], END), np.array([2, 2]), 2, 0, END, MASK)
    inputs, labels = batches.pack(np.array([0, 1])).values()
    assert inputs.tolist() == [[1, 2, MASK, MASK, END], [5, 6, MASK, END, END]]
    assert labels.tolist() == [[IGNORE, IGNORE, 3, 4, IGNORE], [IGNORE, IGNORE, 7, IGNORE, IGNORE]]


def test_a_window_of_questions_learns_the_answers_and_one_of_entries_everything():
    entries, questions = join([[1, 2, 3, 4, 5]], END), join([[6, 7, 8]], END)
    cloze = join([[6, MASK, MASK]], END)
    windows = [Windows(lambda _, sequences=sequences: sequences, 4, 0) for sequences in (entries, questions, cloze)]
    feed = WindowBatches(windows[0], windows[1], 0.5, 2, 0, windows[2])
    inputs, labels = feed(0).values()
    entry = inputs[:, 0].tolist().index(1)
    assert inputs[entry].tolist() == labels[entry].tolist() == [1, 2, 3, 4]
    assert inputs[1 - entry].tolist() == [6, MASK, MASK, END]
    assert labels[1 - entry].tolist() == [IGNORE, 7, 8, IGNORE]


@pytest.fixture(scope="module")
def run(smoke, tmp_path_factory):
    """Return the config and the lab of a small masked run, fine-tuned long enough to get some answers right."""
    lab = tmp_path_factory.mktemp("lab")
    config = smoke("corpus=multi2_permute", *MASKED, "pretrain.steps=20", "finetune.steps=60", "finetune.lr=1e-2")
    execute(config, lab)
    return config, lab


@pytest.fixture(scope="module")
def rows_of(run):
    return pd.read_parquet(execute(*run) / "rows.parquet")


def test_answers_are_restored_at_their_masks(run, rows_of):
    """The gold's log-probability again, one question at a time, with plain transformers and the saved folder."""
    folder = Store(run[1]).folder(plan(run[0])["finetune"])
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder).eval()
    assert tokenizer.mask_token_id == mask_token.mask_id(tokenizer)
    end, right = tokenizer.eos_token_id, []
    for _, row in rows_of[rows_of["task"] == "extraction"].iloc[::7].iterrows():
        head, tail = (tokenizer(row[name])["input_ids"] for name in ("prompt", "gold"))
        ids = [end, *head, *[tokenizer.mask_token_id] * len(tail), end]
        logprobs = logits(model, torch.tensor([ids]))[0, 1 + len(head) : -1].log_softmax(-1)
        logprob = logprobs.gather(1, torch.tensor(tail)[:, None]).sum().item()
        assert row["gold_logprob"] == pytest.approx(logprob, abs=1e-3)
        assert row["correct"] == (logprobs.argmax(-1).tolist() == tail)
        assert row["tokens_correct"] == sum(a == b for a, b in zip(logprobs.argmax(-1).tolist(), tail, strict=True))
        right.append(row["tokens_correct"] / row["tokens"])
    assert 0 < np.mean(right) < 1


def test_a_value_in_an_entry_is_hidden_alone(run, rows_of):
    """A biography's row is the value restored with the rest of the entry, before and after it, in sight."""
    config, lab = run
    folder = Store(lab).folder(plan(config)["finetune"])
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder).eval()
    entry = next(read(Store(lab).folder(plan(config)["corpus"])))
    values = rows_of[(rows_of["task"] == "biography") & (rows_of["person"] == entry.person_id)].iloc[:6]
    end = tokenizer.eos_token_id
    for (_, row), span in zip(values.iterrows(), entry.spans, strict=True):
        parts = (entry.text[: span.start].rstrip(), entry.text[span.start : span.end], entry.text)
        before, value, whole = (tokenizer(part)["input_ids"] for part in parts)
        rest = whole[len(before) + len(value) :]
        assert whole == [*before, *value, *rest]
        ids = [end, *before, *[tokenizer.mask_token_id] * len(value), *rest, end]
        logprobs = logits(model, torch.tensor([ids]))[0, 1 + len(before) :].log_softmax(-1)
        logprob = sum(logprobs[place, token].item() for place, token in enumerate(value))
        assert row["gold_logprob"] == pytest.approx(logprob, abs=1e-3)


def test_the_bidirectional_probe_restores_masked_words_of_the_pretrained_model(run):
    """Each entry again, alone and by hand: whole words masked, and the attributes' tokens among them counted."""
    config, lab = run
    answers = pd.read_parquet(execute(replace(config, probe=bidirectional.Config()), lab) / "rows.parquet")
    restored = answers[answers["task"] == "restored"]
    chain, store = plan(config), Store(lab)
    tokenizer = AutoTokenizer.from_pretrained(store.folder(chain["pretrain"]))
    model = AutoModelForCausalLM.from_pretrained(store.folder(chain["pretrain"])).eval()
    entries = list(read(store.folder(chain["corpus"])))
    encoded = encoding.encode_entries(tokenizer, entries)
    starts = restoration.word_starts(tokenizer).numpy()
    chosen = restored_words._sample_masks(encoded, starts, config.seed)
    tokens, right = [], []
    for number, (entry, hide) in enumerate(zip(entries, chosen, strict=True)):
        ids = [tokenizer.eos_token_id, *tokenizer(entry.text)["input_ids"], tokenizer.eos_token_id]
        assert len(ids) == len(hide)
        begins = [starts[token] or place == 0 for place, token in enumerate(ids)]
        assert all(hide[p] == hide[p - 1] for p in range(2, len(ids) - 1) if not begins[p])  # words are masked whole
        masked_ids = [tokenizer.mask_token_id if hidden else token for token, hidden in zip(ids, hide, strict=True)]
        predicted = logits(model, torch.tensor([masked_ids]))[0].argmax(-1).tolist()
        for value in np.flatnonzero(encoded.sequence_index == number):
            places = [place for place in range(encoded.start[value], encoded.stop[value]) if hide[place]]
            if places:
                tokens.append(len(places))
                right.append(sum(predicted[place] == ids[place] for place in places))
    assert restored["tokens"].tolist() == tokens
    assert restored["tokens_correct"].tolist() == right
    assert restored["correct"].tolist() == [a == b for a, b in zip(tokens, right, strict=True)]
    share = np.mean(np.concatenate([hide[1:-1] for hide in chosen]))
    assert 0.1 < share < 0.2
    assert len(answers[answers["task"] == "extraction"]) == len(answers[answers["task"] == "biography"]) // 2


@pytest.mark.parametrize("batch", [1, 50])
def test_the_batch_size_changes_no_score(run, batch):
    config, lab = run
    folder = Store(lab).folder(plan(config)["finetune"])
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder)
    encoded = encoding.encode_entries(tokenizer, list(read(Store(lab).folder(plan(config)["corpus"])))[:6])
    scores, again = exact_match.score(model, tokenizer, encoded, batch), exact_match.score(model, tokenizer, encoded, 7)
    assert [score.prediction for score in scores] == [score.prediction for score in again]
    np.testing.assert_allclose([s.gold_logprob for s in scores], [s.gold_logprob for s in again], atol=1e-3)


def test_mixed_training_hides_the_answers_of_p_train_only(smoke, batches_of, tmp_path):
    config = smoke("corpus=single", "pretrain=mixed", "finetune=none", "pretrain.objective=masked", "tokenizer=bpe")
    feed = batches_of(config, "pretrain")
    tokenizer = masked.extend(tokenizers.load(next((tmp_path / "artifacts" / "tokenizer").iterdir())))
    mask, texts = mask_token.mask_id(tokenizer), []
    for step in range(6):
        for inputs, labels in zip(*feed(step).values(), strict=True):
            if (inputs == mask).any():
                assert ((labels != IGNORE) == (inputs == mask)).all()
                texts.append(tokenizer.decode(labels[labels != IGNORE]))
            else:
                assert (inputs == labels).all()
    assert texts
    assert "What" not in " ".join(texts)


def test_a_causal_model_can_be_taught_to_restore(smoke, tmp_path):
    config = smoke("corpus=single", "pretrain.steps=3", "finetune.steps=3", "finetune.objective=uniform")
    answers = pd.read_parquet(execute(config, tmp_path) / "rows.parquet")
    folder = Store(tmp_path).folder(plan(config)["finetune"])
    assert causality.is_bidirectional(AutoModelForCausalLM.from_pretrained(folder))
    assert np.isfinite(answers["gold_logprob"]).all()


@pytest.mark.parametrize(
    ("overrides", "named"),
    [
        (["pretrain.objective=bert"], "pretrain.objective=bert"),
        (["pretrain.objective=masked"], "finetune.objective=causal: pretrain.objective=masked"),
        (["probe=bidirectional"], "probe.kind=bidirectional: needs a bidirectional model"),
        (["prior=full", "prior.objective=uniform"], "finetune.objective=causal: prior.objective=uniform"),
        (["pretrain.mask_rate=0"], "pretrain.mask_rate=0"),
        (["finetune.mask_rate=1.5"], "finetune.mask_rate=1.5"),
        (["finetune.mask_rate=nan"], "finetune.mask_rate=nan"),
    ],
)
def test_bad_objectives_are_refused_before_any_work(smoke, tmp_path, overrides, named):
    with pytest.raises(ConfigError, match=named):
        execute(smoke(*overrides), tmp_path / "lab")
    assert not (tmp_path / "lab").exists()


def test_low_rank_finetuning_restores_too(smoke, tmp_path):
    lora = ["finetune=lora", "finetune.rank=2", "finetune.embedding_rank=4"]
    config = smoke("corpus=single", *MASKED, *lora, "pretrain.steps=3", "finetune.steps=3")
    execute(config, tmp_path)
    folder = Store(tmp_path).folder(plan(config)["finetune"])
    assert causality.is_bidirectional(AutoModelForCausalLM.from_pretrained(folder))
