"""What authors of models rely on: names are wiring, parameters are declared, classes may be own."""

import argparse
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from spikesim import FileError, InputError, patterns, runs
from spikesim.cli import main
from spikesim.image_runs import model_class
from spikesim.kernels import functions, units
from spikesim.kernels.trials import TRIAL
from spikesim.learning.forward import forward, forward_arrays
from spikesim.learning.images import ImageModel
from spikesim.learning.layers import Shared, linked, names_of, over
from spikesim.learning.parameters import (
    ModelParameters,
    choice,
    flag,
    number,
    per_layer,
    refuse_if,
    whole,
)
from spikesim.learning.updates import learn
from spikesim.models import feedback_alignment
from spikesim.models.feedback_alignment import FeedbackAlignment
from tests.waiting import HANG

ROOT = Path(__file__).resolve().parent.parent


def helper(s, p):
    return s.gain[0] * p.slope


def body(i, t, s, p):
    s.v[i] = helper(s, p) * functions.sigmoid(s.v_below[i]) + p.drive


def at_two(s, p):
    return s.clock[0] == p.two


class Constants(ModelParameters):
    slope: float = number(2.0, "of the line", unit="mV", symbol="β", above=0.0, at_most=9.0)
    drive: tuple = per_layer(0.5, "input", at_least=0.0)
    two: int = whole(2, "which step", at_least=1)
    memory: int | None = whole(None, "steps", at_least=1, optional=True)
    is_on: bool = flag(True, "whether it is on")
    rule: str = choice("hebb", "oja", about="of learning")

    def check(self, layers, dtype):
        refuse_if(self.rule == "oja" and not self.is_on, "rule is 'oja', which is off.")


@pytest.fixture
def shared():
    shared = Shared(Constants.checked(2, {"drive": (1.0, 3.0)}))
    shared.arrays.update(gain=np.ones(1), clock=np.zeros(4, np.int64))
    return shared


@pytest.fixture
def layers(shared):
    made = linked((4, 3, 2), shared)
    for layer in made:
        layer.arrays["v"] = np.zeros(layer.n)
    return made


def test_a_body_reads_what_the_functions_that_it_calls_read():
    assert names_of(body) == ({"v", "v_below", "gain"}, {"slope", "drive"})


def through_a_module(i, t, s, p):
    s.h[i] = units.output_error(i, t, s, p)


def test_functions_of_modules_are_read_too_and_anew_when_they_are_others(monkeypatch):
    assert names_of(through_a_module) == ({"h", "e", "delta", "slope", "target"}, {"sloped"})
    monkeypatch.setattr(units, "output_error", lambda i, t, s, p: s.other[i])
    assert names_of(through_a_module) == ({"h", "other"}, set())


def itself(i, t, s, p):
    s.v[i] = itself(i, t, s, p)


def test_a_body_that_calls_itself_is_read_once():
    assert names_of(itself) == ({"v"}, set())


def test_names_are_arrays_of_the_layer_its_neighbours_and_all(layers, shared):
    phase = layers[1].phase(body).phase
    assert phase.state["v"] is layers[1].v
    assert phase.state["v_below"] is layers[0].v
    assert phase.state["gain"] is shared.arrays["gain"]


def test_numbers_are_parameters_and_of_one_for_each_layer_that_of_the_layer(layers):
    assert layers[1].phase(body).phase.params["drive"] == 1.0
    assert layers[2].phase(body).phase.params["drive"] == 3.0
    assert layers[2].phase(body, drive=7.0).phase.params["drive"] == 7.0


def test_a_body_runs_for_units_rows_or_once_and_only_when_it_should(layers, shared):
    clock = shared.arrays["clock"]
    for each, count in (("unit", 3), ("row", 4), ("once", 1)):
        wired = layers[1].phase(body, each, at_two)
        state = argparse.Namespace(**wired.phase.state)
        numbers = argparse.Namespace(**wired.phase.params)
        clock[0] = 0
        assert wired.phase.over(0, state, numbers) == 0
        clock[0] = 2
        assert wired.phase.over(0, state, numbers) == count
    assert over("unit", at_two) is over("unit", at_two)


def test_a_misspelt_array_is_answered_with_the_nearest(layers):
    def misspelt(i, t, s, p):
        s.vv[i] = 1.0

    with pytest.raises(InputError, match=r"misspelt reads s.vv, which hidden_1 has not.*'v'"):
        layers[1].phase(misspelt)


def test_a_number_that_is_none_is_refused_and_a_misspelt_one_has_a_nearest(layers):
    def text(i, t, s, p):
        s.v[i] = p.rule

    def misspelt(i, t, s, p):
        s.v[i] = p.slop

    with pytest.raises(InputError, match=r"text reads p.rule, which is no number"):
        layers[1].phase(text)
    with pytest.raises(InputError, match=r"p.slop.*Did you mean 'slope'"):
        layers[1].phase(misspelt)


def test_an_array_of_a_layer_is_put_among_its_arrays(layers):
    with pytest.raises(InputError, match="arrays"):
        layers[1].W = np.zeros((4, 3))
    with pytest.raises(AttributeError, match=r"'hidden_1' has no array 'vv'"):
        layers[1].vv  # noqa: B018


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"slope": 0.0}, r"slope is 0.0; it has to be .* above 0 and at most 9 \(mV\)"),
        (
            {"drive": (1.0,)},
            "drive has 1 values; it has to be one number, or one for each of the 2",
        ),
        ({"drive": -1.0}, "drive is -1.0"),
        ({"two": 0.5}, "two is 0.5; it has to be a whole number"),
        ({"memory": 0}, "memory is 0"),
        ({"is_on": 1}, "is_on is 1; it has to be one of True, False"),
        ({"rule": "oj"}, "rule is 'oj'.*Did you mean 'oja'"),
        ({"rule": "oja", "is_on": False}, "rule is 'oja', which is off"),
        ({"slop": 1.0}, "Unknown parameter 'slop'.*Did you mean 'slope'"),
    ],
)
def test_what_is_declared_refuses_in_a_sentence(given, said):
    with pytest.raises(InputError, match=said):
        Constants.checked(2, given)


def test_options_of_the_command_line_are_what_is_declared():
    parser = argparse.ArgumentParser()
    declared = Constants.declarations()
    runs.add_parameters(parser, declared)
    assert "β of the line; mV, above 0, at most 9, default 2.0" in " ".join(
        parser.format_help().split()
    )
    words = [
        "--slope",
        "3",
        "--drive",
        "1,2",
        "--two",
        "4",
        "--memory",
        "none",
        "--is_on",
        "false",
        "--rule",
        "oja",
    ]
    given = runs.given_parameters(parser.parse_args(words), declared)
    assert given == {
        "slope": 3.0,
        "drive": (1.0, 2.0),
        "two": 4,
        "memory": None,
        "is_on": False,
        "rule": "oja",
    }


def test_a_parameter_without_a_declaration_is_refused():
    with pytest.raises(InputError, match=r"eta of .*has to be declared"):

        class Undeclared(ModelParameters):
            eta: float = 0.5


def test_parameters_that_differ_from_the_defaults_are_told():
    assert Constants.checked(2, {"drive": 0.5, "two": 3}).others() == {"two": 3}


class Small(ImageModel):
    """A model that only answers."""

    Parameters = feedback_alignment.Parameters

    def weights(self, layers):
        for layer in layers[1:]:
            layer.arrays["W"] = np.ones((layer.below.n, layer.n))
            layer.arrays["b"] = np.zeros(layer.n)

    def arrays(self, layer):
        return forward_arrays(layer, self.parameters)

    def step(self, net):
        yield from forward(net)


def test_a_class_without_a_kind_is_called_as_it_is():
    assert Small.KIND == "Small"


def test_weights_take_the_type_of_the_network():
    assert Small((4, 3, 2), dtype="float32").W[0].dtype == np.float32


def cut(j, t, s, p):
    s.h[j] = min(s.a[j], 0.5)
    s.slope[j] = 1.0


class Cut(Small):
    BODIES = {units.logistic: cut}  # noqa: RUF012


def test_a_subclass_puts_a_body_in_the_place_of_another():
    x = np.ones((1, 4))
    assert Cut((4, 3, 2), backend="python").activities(x)[1].tolist() == [[0.5, 0.5, 0.5]]
    assert Small((4, 3, 2), backend="python").activities(x)[1][0, 0] > 0.9


def jitter(j, t, s, p):
    s.h[j] = s.a[j] + s.xi[s.clock[TRIAL], j]


class Noisy(Small):
    """Output units with noise."""

    DRAWN, STREAMS = ("xi",), ("weights", "order", "noise")

    def arrays(self, layer):
        noise = {"xi": (self.block(), layer.n)} if layer.is_output else {}
        return {**super().arrays(layer), **noise}

    def prepare(self, net, trial, count):
        net.output.xi[:count] = self.chance("noise", trial).normal(size=(count, net.output.n))

    def step(self, net):
        yield net.input.phase(units.show, "once")
        for layer in net.above_input:
            yield layer.phase(units.drive, "block")
            yield layer.phase(jitter if layer.is_output else units.linear)
        yield net.output.phase(units.answer, "once")
        yield net.output.phase(units.squared_error, "once")
        yield net.output.phase(units.output_error, sloped=0)
        if net.learning:
            yield from learn(net, net.output, "W", net.output.below.h, net.output.delta, 0.1)


X, LABELS, XI = np.ones((3, 4)), [0, 1, 0], np.arange(6.0).reshape(3, 2)


def test_what_a_model_would_draw_can_be_given():
    net = Noisy((4, 3, 2), backend="python", dtype="float64")
    recorded = net.record(X[0], given={"xi": [XI[:1]]})
    np.testing.assert_allclose(recorded.h["output"][:, 0], 12.0 + XI[0])
    wanted = np.eye(2)[LABELS]
    update = net.update(X, LABELS, given={"xi": [XI]})
    np.testing.assert_allclose(update.delta[1], wanted - 12.0 - XI)
    net.learn(X[:1], LABELS[:1], given={"xi": [XI[:1]]})
    np.testing.assert_allclose(net.W[1], 1.0 + 0.1 * 4.0 * np.tile(update.delta[1][0], (3, 1)))


def test_each_draw_of_an_update_has_its_own_random_numbers():
    net = Noisy((4, 3, 2), backend="python")
    first, again, other = (net.update(X, LABELS, draw).delta[1] for draw in (0, 0, 1))
    assert (first == again).all()
    assert (first != other).all()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"noise": [XI]}, "Unknown array of Noisy in given: 'noise'; available: xi"),
        ({"xi": [XI, XI]}, r"given\['xi'\] has to be a list of 1 arrays"),
        ({"xi": [XI[:2]]}, r"given\['xi'\]\[0\]"),
        (XI, "it has to be a dict"),
    ],
)
def test_given_arrays_that_do_not_fit_are_refused(given, said):
    with pytest.raises(InputError, match=said):
        Noisy((4, 3, 2), backend="python").learn(X, LABELS, given=given)


OWN = """
from spikesim.learning.parameters import per_layer
from spikesim.models.feedback_alignment import FeedbackAlignment


class Slow(FeedbackAlignment):
    class Parameters(FeedbackAlignment.Parameters):
        eta: tuple = per_layer(0.01, "learning rate", at_least=0.0)
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own_model.py").write_text(OWN)
    return "own_model.py:Slow"


SHORT = ["--hidden=3", "--epochs=1", "--no-progress", "--backend=python", "--out=run"]


def test_a_class_in_a_file_trains_resumes_and_tells(own, capsys):
    assert main(["train", own, *SHORT]) == 0
    assert main(["resume", "run", f"--model={own}", "--epochs=2", "--no-progress"]) == 0
    assert main(["info", "run", f"--model={own}"]) == 0
    assert "epochs       2 of 2" in capsys.readouterr().out
    assert main(["info", "run"]) == 2
    assert "give its file and class: --model my_file.py:Slow" in capsys.readouterr().err
    assert main(["info", "run", "--model=segregated"]) == 2
    assert "it has to be FILE.py:CLASS" in capsys.readouterr().err


def test_a_class_in_a_file_is_swept_in_other_processes(own, tmp_path):
    given = ["--grid=eta=0.1,0.2", *SHORT]
    done = subprocess.run(
        [sys.executable, "-m", "spikesim", "sweep", own, *given],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=HANG,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("own_model.py:Slwo", "own_model.py has no model 'Slwo'.*Did you mean 'Slow'"),
        ("missing.py:Slow", "missing.py does not exist"),
        ("broken.py:Slow", "broken.py cannot be imported: NameError"),
    ],
)
def test_a_file_or_a_class_that_is_not_there_is_answered_in_a_line(
    own, tmp_path, capsys, named, said
):
    (tmp_path / "broken.py").write_text("slow")
    assert main(["train", named]) == 2
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1
    assert re.search(said, error)


def code_of(file, beginning):
    """The block of code in a text that begins so."""
    text = (ROOT / file).read_text(encoding="utf-8")
    return re.search(rf"```python\n({re.escape(beginning)}.*?)```", text, re.DOTALL)[1]


@pytest.mark.parametrize(
    ("file", "beginning", "name"),
    [
        ("CONTRIBUTING.md", '"""The delta rule', "DeltaRule"),
        ("docs/tutorials/own_model.md", "from spikesim.kernels.spikes import bounds", "Clipped"),
        ("docs/tutorials/own_model.md", '"""Dendritic prediction', "DendriticPrediction"),
    ],
)
def test_the_models_that_the_texts_show_train_from_the_command_line(
    file, beginning, name, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    code = code_of(file, beginning)
    assert len(code.splitlines()) < 80
    (tmp_path / "shown.py").write_text(code, encoding="utf-8")
    given = ["--epochs=1", "--no-progress", "--out=run"]
    assert main(["train", f"shown.py:{name}", *given]) == 0
    assert float(re.search(r"Test error (\d+\.\d+) %", capsys.readouterr().out)[1]) < 40.0


@pytest.fixture
def delta_rule(tmp_path):
    """Writes the model of CONTRIBUTING, with a piece of it exchanged, and says where it is."""
    code = code_of("CONTRIBUTING.md", '"""The delta rule')

    def written(old="", new=""):
        assert old in code
        (tmp_path / "delta.py").write_text(code.replace(old, new, 1), encoding="utf-8")
        return f"{tmp_path}/delta.py:DeltaRule"

    return written


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("s.target[j]", "s.targt[j]", "delta.compare reads s.targt.*Did you mean 'target'.*arrays"),
        ("(input.n, output.n)", "(output.n, input.n)", r"makes W of layer 1 of shape \(10, 64\)"),
        ("np.zeros(output.n)", "[0.0] * output.n", "gives output a list as 'b'"),
        ("return dict", "dict", "arrays of DeltaRule returns None; it has to return a dict"),
        ("layer.n)", "layer.n / 2)", "arrays of DeltaRule gives 'a' the shape 32.0"),
        ("def weights", "def weight", r"DeltaRule has no method weights\(self, layers\)"),
        ("def step", "def steps", r"DeltaRule has no method step\(self, net\)"),
        ("        output = net.output", "        return []", "step of DeltaRule yields nothing"),
        ("        output = net.output", "        return", "step of DeltaRule yields nothing"),
        ("yield output.phase(compare)", "yield compare", "yields compare; it has to yield"),
        ("yield net.input.phase(units.show", "(units.show", "No body .* reads s.image"),
        ("yield output.phase(units.answer", "(units.answer", "No body .* writes s.answer"),
        ('"digits": {"hidden": "0", "epochs": 5}', "", "SUITED of DeltaRule has to be a dict"),
        ('"hidden": "0", ', "", "SUITED of DeltaRule has to give 'hidden' and 'epochs'"),
        ('"digits": {', '"cifar": {', "SUITED of DeltaRule is 'cifar'"),
        ("    Parameters = Parameters\n", "", "'ModelParameters' object has no attribute 'eta'"),
        ("def compare(j, t, s, p):", "def compare(j, t, s, p)", "cannot be imported: SyntaxError"),
        ("eta: tuple[float, ...] = per_layer(", "eta: float = 0.1  # (", "delta.py: eta of Param"),
    ],
)
def test_a_mistake_in_a_model_is_answered_in_a_line(delta_rule, tmp_path, capsys, old, new, said):
    given = ["--epochs=1", "--backend=python", "--no-progress", f"--out={tmp_path}/run"]
    assert main(["train", delta_rule(old, new), *given]) == 2
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1
    assert re.search(said, error)


def test_an_error_of_a_file_of_ones_own_is_told_with_its_line(delta_rule, tmp_path, capsys):
    given = ["--hidden=3", "--backend=python", "--no-progress", f"--out={tmp_path}/run"]
    assert main(["train", delta_rule(), *given]) == 2
    error = capsys.readouterr().err
    assert re.search(r"delta.py, line \d+ \(input, output = layers\): ValueError", error)
    with pytest.raises(ValueError, match="unpack"):
        main(["train", delta_rule(), *given, "--debug"])


def test_commands_that_are_suggested_name_the_file_of_a_model(own, capsys):
    assert main(["train", own, *SHORT]) == 0
    assert main(["resume", "run", f"--model={own}"]) == 0
    assert f"'spikesim resume run --model {own} --epochs 11'" in capsys.readouterr().out


@pytest.mark.parametrize("named", ["own_model.py", "own_model:Slow"])
def test_a_model_without_its_class_or_file_is_told_how_to_name_it(own, capsys, named):
    assert main(["train", named]) == 2
    assert "by its file and class: FILE.py:CLASS" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["seed", "epochs", "model"])
def test_a_parameter_called_as_an_option_of_every_command_is_refused(delta_rule, capsys, name):
    assert main(["train", delta_rule("    eta: ", f"    {name}: ")]) == 2
    assert (
        f"The parameter '{name}' of DeltaRule has the name of an option" in capsys.readouterr().err
    )


def test_a_misspelt_option_is_answered_with_the_nearest(own, capsys):
    assert main(["train", own, "--reductoin=sum"]) == 2
    assert "--reductoin=sum. Did you mean '--reduction'?" in capsys.readouterr().err


def test_exporting_spikes_of_a_model_that_has_none_says_so(own, capsys):
    assert main(["train", own, *SHORT]) == 0
    assert main(["export", "run", f"--model={own}"]) == 2
    assert "--format=npz writes weights" in capsys.readouterr().err


def climb(j, t, s, p):
    s.b[j] += p.eta * s.delta[j]


class OfItsOwn(Small):
    """It learns by a body of its own, and has options that no body minds."""

    Parameters = FeedbackAlignment.Parameters

    def step(self, net):
        yield from forward(net)
        if net.applies:
            yield net.output.phase(climb)


@pytest.mark.parametrize("given", [{"batch": 2}, {"optimizer": "adam"}])
def test_an_option_that_no_body_minds_is_refused(given):
    with pytest.raises(InputError, match=f"{next(iter(given))} is .*, which no body in step of"):
        OfItsOwn((4, 3, 2), backend="python", **given)


def test_what_a_rule_of_its_own_would_change_is_not_said_to_be_nothing():
    with pytest.raises(InputError, match=r"update of OfItsOwn is not known.* yields `learn`"):
        OfItsOwn((4, 3, 2), backend="python").update(np.ones((1, 4)), [0])


def test_a_schedule_that_no_body_minds_is_refused_unless_rates_name_its_rate():
    class Rated(OfItsOwn):
        RATES = ("eta",)

    x, halved = np.ones((3, 4)), {"epochs": 2, "schedule": lambda epoch: 0.5}
    with pytest.raises(InputError, match=r"schedule changes nothing of OfItsOwn.*RATES"):
        OfItsOwn((4, 3, 2), backend="python").fit(x, [0, 1, 0], **halved)
    rated = Rated((4, 3, 2), backend="python")
    rated.fit(x, [0, 1, 0], **halved)
    assert np.isfinite(rated.b[1]).all()


def test_optimisers_come_with_learn(delta_rule, tmp_path):
    given = ["--optimizer=adam", "--epochs=1", "--no-progress", f"--out={tmp_path}/run"]
    assert main(["train", delta_rule(), *given, "--batch=20"]) == 0


def test_a_file_of_a_class_that_was_edited_since_is_told_by_the_array(tmp_path):
    class Wider(Small):
        KIND = "Small"

        def weights(self, layers):
            super().weights(layers)
            layers[1].arrays["V"] = np.ones((2, 2))

    Small((4, 3, 2), backend="python").save(tmp_path / "net.h5")
    with pytest.raises(FileError, match=r"lacks a part \(V of shape \(2, 2\), as Wider makes it"):
        Wider.load(tmp_path / "net.h5", "python")


def test_one_image_is_recorded_at_a_time():
    with pytest.raises(InputError, match="image holds 2 images; `record` shows one at a time"):
        Small((4, 3, 2), backend="python").record(np.ones((2, 4)))


def test_patience_ends_a_run_of_the_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    given = ["--hidden=0", "--epochs=9", "--patience=1", "--eta=0", "--out=run", "--no-progress"]
    assert main(["train", "feedback-alignment", *given]) == 0
    assert "Stopped after epoch 2: the test error was no lower" in capsys.readouterr().out
    assert main(["info", "run"]) == 0
    assert "epochs       2 of 9" in capsys.readouterr().out


def test_a_net_reads_its_declared_parameters_from_its_file(tmp_path):
    net = FeedbackAlignment((4, 3, 2), eta=(0.1, 0.2), batch=3, backend="python")
    net.save(tmp_path / "net.h5")
    loaded = FeedbackAlignment.load(tmp_path / "net.h5", backend="python")
    assert loaded.parameters == net.parameters


OWN_PATTERNS = """
from spikesim.models.superspike import SuperSpikeNetwork


class Mine(SuperSpikeNetwork):
    pass
"""


@pytest.fixture
def own_patterns(tmp_path, monkeypatch):
    """A run of a class of one's own that learns in time, which has learned all it was to learn."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(OWN_PATTERNS)
    net = model_class("mine.py:Mine")((3, 1), seed=1, backend="python")
    shown = patterns.from_trains([[1.0], [2.0], []], 4.0)
    net.fit(shown, patterns.from_trains([[3.0]], 4.0), 1, block=4.0, burn_in=0.0)
    net.notes = {"task": "spikes", "blocks": 1, "block": 4.0, "frozen": True, "decay": 1}
    net.notes.update(tested=[1.0], tested_at=[1], model="mine.py:Mine")
    (tmp_path / "run").mkdir()
    net.save(tmp_path / "run" / "run.h5")
    (tmp_path / "run" / "layers.png").write_bytes(b"drawn")
    return "mine.py:Mine"


def test_a_run_of_ones_own_class_in_time_says_the_command_that_goes_on(own_patterns, capsys):
    assert main(["resume", "run", f"--model={own_patterns}"]) == 0
    assert f"'spikesim resume run --model {own_patterns} --blocks 21'" in capsys.readouterr().out


def test_a_directory_that_is_taken_says_how_a_run_of_ones_own_class_goes_on(own_patterns, capsys):
    assert main(["train", own_patterns, "--task=spikes", "--out=run"]) == 2
    assert f"'spikesim resume run --model {own_patterns}'" in capsys.readouterr().err


def test_what_a_run_counts_in_is_said_if_the_other_is_asked_for(own_patterns, capsys):
    assert main(["resume", "run", f"--model={own_patterns}", "--epochs=2"]) == 2
    said = "--epochs is for models that learn from images; this run has --blocks."
    assert said in capsys.readouterr().err


def test_info_tells_of_a_run_of_ones_own_class_in_time(own_patterns, capsys):
    assert main(["info", "run", f"--model={own_patterns}"]) == 0
    rows = dict(line.split(None, 1) for line in capsys.readouterr().out.splitlines())
    assert rows["model"].startswith(own_patterns)
    assert (rows["task"], rows["blocks"], rows["options"]) == ("spikes", "1 of 1", "the defaults")


@pytest.mark.parametrize("command", [["train", "superspike"], ["run", "burst", "pairing"]])
def test_help_names_all_backends(command, capsys):
    assert main([*command, "--help"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "cpu, threads or threads:2, python, cuda or cuda:1" in said
