import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_gen.people.world import make
from data_gen.questions import generate
from physics_lm.data import tokenizers
from physics_lm.data.batches import IGNORE, QuestionBatches
from physics_lm.data.ragged import epoch_order, join, pad
from physics_lm.data.windows import WindowBatches, Windows

END = 0
sequences = st.lists(st.lists(st.integers(1, 99), max_size=6), min_size=1, max_size=8)


def joined(lists, end=END):
    return [token for ids in lists for token in (*ids, end)]


def numbered(entries, length=5):
    """Entries whose every token is the entry's own number (from 1)."""
    return join([[number + 1] * (1 + (number * 7) % length) for number in range(entries)], END)


@given(sequences)
def test_ragged_lays_sequences_end_to_end(lists):
    laid = join(lists, END)
    assert len(laid) == len(lists)
    assert [list(laid[i]) for i in range(len(laid))] == [[*ids, END] for ids in lists]
    assert laid.lengths.tolist() == [len(ids) + 1 for ids in lists]


@given(sequences, st.randoms())
def test_reorder_is_the_naive_loop(lists, random):
    order = list(range(len(lists)))
    random.shuffle(order)
    assert join(lists, END).reorder(np.array(order)).tolist() == joined(lists[i] for i in order)


@given(sequences, st.data())
def test_pad_is_the_naive_loop(lists, data):
    index = data.draw(st.lists(st.integers(0, len(lists) - 1), min_size=1, max_size=6))
    chosen = [[*lists[i], END] for i in index]
    longest = max(map(len, chosen))
    padded = pad(join(lists, END), np.array(index), -1)
    assert padded.tolist() == [ids + [-1] * (longest - len(ids)) for ids in chosen]
    assert padded.dtype == np.int32


@given(st.integers(1, 30), st.integers(0, 3), st.integers(0, 5))
def test_an_epochs_order_is_a_permutation_fixed_by_seed_and_epoch(size, seed, epoch):
    order = epoch_order(size, seed, epoch)
    assert sorted(order) == list(range(size))
    assert order.tolist() == epoch_order(size, seed, epoch).tolist()


def epoch_of(windows, epoch):
    return np.concatenate([windows[epoch * windows.per_epoch + i] for i in range(windows.per_epoch)])


@pytest.mark.parametrize("context", [8, 13, 32])
@pytest.mark.parametrize("epoch", [0, 1, 5])
def test_an_epochs_windows_are_the_entries_in_that_epochs_order(context, epoch):
    packed = numbered(40)
    tokens = packed.reorder(epoch_order(40, 3, epoch))
    windows = Windows(lambda _: packed, context, 3)
    assert windows.per_epoch == len(tokens) // context
    assert epoch_of(windows, epoch).tolist() == tokens[: windows.per_epoch * context].tolist()


def test_an_epoch_shows_every_entry_and_leaves_out_less_than_a_window():
    packed = numbered(40)
    tokens = epoch_of(Windows(lambda _: packed, 8, 0), 2)
    assert 0 <= len(packed.flat) - len(tokens) < 8
    whole = epoch_of(Windows(lambda _: packed, 1, 0), 2)
    assert sorted(whole.tolist()) == sorted(packed.flat.tolist())


def test_every_epoch_and_every_seed_has_its_own_order():
    packed = numbered(40)
    windows, other = Windows(lambda _: packed, 1, 0), Windows(lambda _: packed, 1, 1)
    orders = [epoch_of(windows, 0), epoch_of(windows, 1), epoch_of(windows, 2), epoch_of(other, 0)]
    assert len({order.tobytes() for order in orders}) == 4


def test_unshuffled_windows_keep_the_corpus_order():
    packed = numbered(40)
    windows = Windows(lambda _: packed, 1, 0, shuffle=False)
    assert epoch_of(windows, 0).tolist() == epoch_of(windows, 1).tolist() == packed.flat.tolist()


@given(st.permutations(range(30)))
def test_a_window_does_not_depend_on_who_asked_before(order):
    packed = numbered(20)
    straight, mixed = Windows(lambda _: packed, 8, 0), Windows(lambda _: packed, 8, 0)
    expected = [straight[i].tolist() for i in range(30)]
    assert {i: mixed[i].tolist() for i in order} == dict(enumerate(expected))


def test_fresh_entries_are_asked_for_by_epoch():
    windows = Windows(lambda epoch: join([[epoch + 1] * 9] * 4, END), 10, 0)
    assert {int(token) for token in epoch_of(windows, 3)} == {4, END}


def test_a_shorter_fresh_epoch_still_fills_its_windows():
    windows = Windows(lambda epoch: join([[epoch + 1] * (9 - epoch % 2)] * 4, END), 10, 0)
    assert [len(windows[i]) for i in range(8)] == [10] * 8


def test_a_context_longer_than_the_corpus_is_refused():
    with pytest.raises(ValueError, match="pretrain.context=500"):
        Windows(lambda _: numbered(4), 500, 0)


def mixture(share, batch=4, seed=0):
    entries = Windows(lambda _: join([[number + 1] * 7 for number in range(50)], END), 8, seed)
    questions = Windows(lambda _: join([[number + 1001] * 3 for number in range(20)], END), 8, seed + 1)
    return WindowBatches(entries, questions, share, batch, seed)


def rows_of(mixed, count):
    return np.concatenate([mixed(step)["input_ids"] for step in range(-(-count // mixed.batch))])[:count]


@pytest.mark.parametrize("share", [0.1, 0.25, 0.3, 0.5, 0.8, 0.9])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_share_of_question_windows_is_exact(share, seed):
    is_question = rows_of(mixture(share, seed=seed), 1000).max(axis=1) > 1000
    for count in (10, 100, 500, 1000):
        assert abs(is_question[:count].sum() - share * count) <= 1


def test_every_window_is_of_one_kind_and_none_is_skipped():
    mixed = mixture(0.3)
    rows = rows_of(mixed, 200)
    kinds = {frozenset(np.unique(row[row != END] > 1000).tolist()) for row in rows}
    assert kinds == {frozenset({True}), frozenset({False})}
    is_question = rows.max(axis=1) > 1000
    assert rows[is_question].tolist() == [mixed.questions[i].tolist() for i in range(is_question.sum())]
    assert rows[~is_question].tolist() == [mixed.entries[i].tolist() for i in range((~is_question).sum())]


def test_without_a_share_all_windows_are_entries():
    mixed = mixture(0.0)
    assert rows_of(mixed, 60).tolist() == [mixed.entries[i].tolist() for i in range(60)]


def test_every_token_of_a_window_is_learned_and_a_step_is_repeatable():
    mixed = mixture(0.5)
    inputs, labels = mixed(7).values()
    assert inputs.shape == (4, 8)
    assert inputs.tolist() == labels.tolist() == mixture(0.5)(7)["input_ids"].tolist()


def test_question_windows_hold_only_questions_of_p_train(smoke, batches_of, tmp_path):
    config = smoke("corpus=single", "pretrain=mixed")
    mixed = batches_of(config, "pretrain")
    tokenizer = tokenizers.load(next((tmp_path / "artifacts" / "tokenizer").iterdir()))
    world = make(config.world, config.seed)
    allowed = {question.text for question in generate(world, config.questions, "train")}
    forbidden = {question.text for question in generate(world, config.questions, "test")}
    windows = [tokenizer.decode(row) for step in range(20) for row in mixed(step)["input_ids"]]
    of_questions = [window for window in windows if "Answer:" in window]
    assert len(of_questions) == pytest.approx(config.pretrain.question_share * len(windows), abs=1)
    whole = {text.strip() for window in of_questions for text in window.split(tokenizer.eos_token)[1:-1]}
    assert whole
    assert whole <= allowed
    assert not whole & forbidden


def rows(batch=3):
    packed = join([[9, 1, 2, 11], [9, 3, 12, 13], [9, 14], [9, 4, 5, 6, 15, 16]], END)
    return QuestionBatches(packed, np.array([3, 2, 1, 4]), batch, 0, END)


def test_only_answers_and_their_end_token_are_learned():
    inputs, labels = rows().pack(np.array([0, 2, 3])).values()
    assert inputs.tolist() == [[9, 1, 2, 11, 0, 0, 0], [9, 14, 0, 0, 0, 0, 0], [9, 4, 5, 6, 15, 16, 0]]
    assert labels.tolist() == [
        [IGNORE, IGNORE, IGNORE, 11, 0, IGNORE, IGNORE],
        [IGNORE, 14, 0, IGNORE, IGNORE, IGNORE, IGNORE],
        [IGNORE, IGNORE, IGNORE, IGNORE, 15, 16, 0],
    ]


def test_every_question_is_seen_once_an_epoch_in_new_orders():
    packed = join([[100 + number] for number in range(12)], END)
    batches = QuestionBatches(packed, np.ones(12, np.int64), 5, 0, END)
    seen = np.concatenate([batches(step)["input_ids"][:, 0] for step in range(12)]).reshape(5, 12)
    assert all(sorted(epoch) == list(range(100, 112)) for epoch in seen.tolist())
    assert len({epoch.tobytes() for epoch in seen}) == 5


def test_finetuning_learns_the_answers_of_p_train_only(smoke, batches_of, tmp_path):
    config = smoke("corpus=single")
    batches = batches_of(config, "finetune")
    tokenizer = tokenizers.load(next((tmp_path / "artifacts" / "tokenizer").iterdir()))
    world = make(config.world, config.seed)
    golds = {question.text: question.gold for question in generate(world, config.questions, "train")}
    for step in range(8):
        for inputs, labels in zip(*batches(step).values(), strict=True):
            text = tokenizer.decode(inputs).replace(tokenizer.eos_token, "").strip()
            learned = tokenizer.decode(labels[labels != IGNORE])
            assert learned.strip() == golds[text] + tokenizer.eos_token
