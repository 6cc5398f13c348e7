"""What Hydra and OmegaConf refuse is said in one line that names the key and the mend."""

import pytest

from data_gen.errors import ConfigError
from experiments.launch import hydra_messages
from experiments.launch.config import run_config
from experiments.launch.errors import user_message
from experiments.launch.hydra_internals import compose

REFUSED = {
    "corpus=foo": "corpus=foo: choose one of couple1, ",
    "tracking=foo": "tracking=foo: choose one of none, wandb",
    "hydra/launcher=foo": "choose one of basic, joblib, processes, ",
    "world.peple=5": "world.peple: there is no such setting; did you mean world.people",
    "lr=1": "lr: there is no such setting; did you mean finetune.lr or pretrain.lr or prior.lr or probe.lr?",
    "qwerty=1": "qwerty: there is no such setting; --cfg job lists all settings",
    "seed=1.5": "seed=1.5: a whole number is expected",
    "seed=": "seed=: a whole number is expected",
    "seed=null": "seed=null: a whole number is expected",
    "pretrain.lr=fast": "pretrain.lr=fast: a number is expected",
    "pretrain.shuffle=maybe": "pretrain.shuffle=maybe: true or false is expected",
    "corpus.name=[1]": "corpus.name=[1]: a text is expected",
    "paths=null": "paths=null: a group of settings is expected",
    "~world.people": "~world.people: a setting cannot be removed",
    "corpus=single,multi5": "several values; add -m to make a run for each",
    "paths.lab=~/lab": "paths.lab=~/lab: cannot be read; quotes are for",
    "corpus.name='a": "corpus.name='a: cannot be read; quotes are for",
    "a=b=c": "a=b=c: cannot be read",
    "seed": "seed: write key=value",
    "=3": "write key=value",
    "++probe=3": "force-add of config groups is not supported",
    "hydra.launcher.n_jobs=x": "hydra.launcher.n_jobs=x: ",
    "figure.known.single=3": "figure.known.single=3: ",
}


@pytest.mark.parametrize(("word", "message"), REFUSED.items())
def test_a_word_that_cannot_be_is_refused_in_one_line(word, message):
    with pytest.raises(ConfigError) as refused:
        compose(["scale=smoke", word])
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("group", hydra_messages.groups())
@pytest.mark.parametrize("value", ["null", "3"])
def test_a_group_set_to_no_choice_is_told_its_choices(group, value):
    with pytest.raises(ConfigError, match=rf"^{group}={value}: choose one of .*{hydra_messages.choices(group)[0]}"):
        compose([f"{group}={value}"])


def test_what_a_setting_expects_is_said_for_every_setting_of_the_schema():
    expected = hydra_messages.settings()
    assert expected["seed"] == expected["world.pools.city"] == "a whole number"
    assert expected["pretrain.lr"] == "a number"
    assert expected["probe.shared"] == "true or false"
    assert expected["world"] == "a group of settings"
    assert list(expected.values()).count("another kind of value") == 1  # figure.arms takes a word or a list


@pytest.mark.parametrize(("word", "message"), [("seed=${foo}", "foo"), ("corpus.name=${oc.env:NOPE}", "NOPE")])
def test_a_reference_to_nothing_is_refused_where_it_is_read(word, message):
    with pytest.raises(Exception, match=message) as refused:
        run_config(compose(["scale=smoke", word]))
    said = user_message(refused.value)
    assert said is not None
    assert message in said
    assert "\n" not in said


def test_keys_are_not_added_at_the_root():
    with pytest.raises(ConfigError, match="^qwerty: there is no such setting to add"):
        run_config(compose(["scale=smoke", "+qwerty=1"]))


def test_an_error_of_another_kind_is_not_explained():
    assert hydra_messages.hydra_message(ValueError("seed"), []) is None
    assert hydra_messages.hydra_message(KeyError("seed"), ["seed=1"]) is None
