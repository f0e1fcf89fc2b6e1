"""Every example runs as a script, prints its number and writes the figure that has its name."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.waiting import HANG

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = sorted((ROOT / "examples").glob("*.py"))

# What makes each one short, and the line with its number.
SIZES = {
    "balanced_networks": (["--seconds", "0.3"], r"^COBA: (\d+\.\d) Hz, CV \d\.\d\d$"),
    "brunel_regimes": (
        ["--size", "1250", "--seconds", "0.3"],
        r"^AI +5.0 +2.0 +(\d+\.\d) \(37\.7\)",
    ),
    "cerebellum_late_error": (
        ["--seconds", "20"],
        r"^late error, eligibility: slip (\d+\.\d+)$",
    ),
    "clamped_limits": (
        ["--seeds", "2", "--steps", "60"],
        r"^symmetric feedback: cross-entropy (0\.0\d\d) degrees off, squared error (\d+)$",
    ),
    "connections": ([], r"^2494 local synapses, delays 0\.5 to (3\.6) ms$"),
    "dendritic_inhibition": (
        ["--epochs", "2", "--seeds", "1"],
        r"^learned inhibition: test error up to (\d+\.\d) %$",
    ),
    "dendritic_microcircuit": (
        ["--patterns", "200"],
        r"^without a target, \|v_A\| fell from (\d\.\d\d) to 0\.(\d\d)$",
    ),
    "dendritic_transfer": (
        ["--neurons", "300", "--step", "40"],
        r"^with inhibition: a somatic current moves the burst probability by (\d+\.\d) points$",
    ),
    "drawing": (
        ["--hidden", "20", "--blocks", "4"],
        r"^after 60 s: cost (\d+\.\d), (\d+\.\d) times less than silence$",
    ),
    "equilibrium_stdp": ([], r"^window of rates and of pairs differ by (0\.\d) % at most$"),
    "fi_curve": (["--duration", "1000"], r"^rates are within (\d\.\d) % of \(1\)$"),
    "first_network": ([], r"^431 spikes, (8\.6) Hz on average$"),
    "five_spikes": (["--stages", "4"], r"^after 80 s: 5 spikes, cost (\d+\.\d) %$"),
    "following_bursts": (
        ["--bin", "20", "--sources", "2000"],
        r"^weights changed by ([+-]\d+\.\d) % with more bursts, by ([+-]\d+\.\d) % with fewer$",
    ),
    "gap_junctions": ([], r"^coupling coefficient (0\.2000), g / \(g \+ g_L\) = 0\.2000$"),
    "hidden_layer": (
        ["--seconds", "50"],
        r"^(\d) of 5 spikes in the right step of 0.1 ms, (\d+) in all$",
    ),
    "inhibitory_plasticity": (
        ["--seconds", "4"],
        r"^last quarter: (\d+\.\d) Hz \(target 5\), standard deviation",
    ),
    "microcircuit": (
        ["--scale", "0.05", "--seconds", "0.3"],
        r"^L6I +147 +(\d+\.\d\d)  7\.83 \(7\.54 to 8\.06\)$",
    ),
    "multi_area": (
        ["--trials", "5"],
        r"^B follows A after (\d+\.\d) ms, of which the way takes 6 ms$",
    ),
    "nmda_dendrite": (
        ["--inputs", "12"],
        r"^1 mM magnesium: up to (\d\.\d\d) times the sum of single answers \(\d+ inputs",
    ),
    "own_feedback": (
        ["--epochs", "2"],
        r"^saturating, gain 1000: (\d+\.\d) % wrong, (\d+) degrees off$",
    ),
    "own_neuron": (["--duration", "200"], r"^chattering: (\d+\.\d) spikes per burst$"),
    "own_plasticity_rule": (
        ["--seconds", "20"],
        r"^correlated: mean weight 2\.50 mV before, (\d\.\d\d) mV after$",
    ),
    "own_rule": (["--epochs", "1"], r"^RandomFeatures +(\d+\.\d) ± (\d+\.\d) "),
    "pairing_intervals": (
        ["--pairings", "2"],
        r"^two spikes strengthen the synapse up to 16 ms apart$",
    ),
    "perturbation_learning_curves": (
        ["--trials", "50", "--seeds", "1"],
        r"^weights, E_opt 0, after 50: E (\d\.\d{3}), theory 4\.526$",
    ),
    "phase_plane": ([], r"^(\d+\.\d) spikes per burst, a burst every \d+ ms$"),
    "recorded_trials": (
        ["--trials", "5"],
        r"^(\d\.\d) Hz before the stimulus, (\d\d\.\d) Hz during it$",
    ),
    "reward_bandit": (
        ["--trials", "100"],
        r"^(\d+) % right at first, (\d+) % at the end, hidden (\d+) Hz$",
    ),
    "reward_stdp": (
        ["--trials", "20", "--seeds", "1"],
        r"^seed 1: (\d+) % right at first, (\d+) % at the end, (\d+) % without reward$",
    ),
    "routing_goals": (
        ["--steps", "40", "--period", "20"],
        r"^currents of the open receiver (\d\.\d\d), of the closed one (\d\.\d{3})$",
    ),
    "seeds": (
        ["--seeds", "2", "--epochs", "2"],
        r"^test error (\d+\.\d) %, from (\d+\.\d) to (\d+\.\d)$",
    ),
    "segregated_digits": (
        ["--epochs", "1", "--images", "100"],
        r"^(\d+\.\d) % of new digits wrong after 1 epochs$",
    ),
    "spiking_xor": (["--blocks", "3"], r"^8 hidden neurons: (\d+) % of new trials right$"),
    "stdp_poisson": (["--seconds", "4"], r"^at the end: (\d+\.\d) Hz, CV \d\.\d\d$"),
    "stimuli": ([], r"^step: (\d+) spikes$"),
    "sweep": (
        ["--epochs", "1", "--seeds", "1"],
        r"^best: (\d+) hidden units, alpha (\d+)$",
    ),
    "synaptic_scaling": (
        ["--seconds", "4"],
        r"^last quarter: from (\d+\.\d) to (\d+\.\d) Hz \(target 8\)$",
    ),
    "target_propagation": (
        ["--seeds", "1", "--sweeps", "1", "--epochs", "1", "--images", "200"],
        r"^DTP: test error (\d+\.\d) %$",
    ),
    "teaching_bursts": (
        ["--duration", "400"],
        r"^output: burst probability (\d+) % before the teacher, (\d+) % with it$",
    ),
    "textbook_neurons": (
        ["--duration", "600"],
        r"^HodgkinHuxley fires from (\d\.\d+) uA/cm\^2 on, at (\d+) Hz$",
    ),
    "triplet_stdp": (
        ["--pairs", "3"],
        r"^pre 10 ms before post: \+0\.0 % at 0\.1 Hz, ([+-]\d+\.\d) % at 50 Hz$",
    ),
    "two_streams": (
        ["--seconds", "0.3"],
        r"^correlation of the layers: (-?\d\.\d\d) going up, (-?\d\.\d\d) coming down$",
    ),
}


def run(script, folder, *arguments):
    """Run a script in a folder of its own and return what it printed."""
    done = subprocess.run(
        [sys.executable, str(script), *arguments],
        cwd=folder,
        env={**os.environ, "MPLBACKEND": "Agg", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=HANG,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_example_is_tested():
    assert [script.stem for script in SCRIPTS] == sorted(SIZES)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_an_example_prints_its_number_and_writes_its_figure(script, tmp_path):
    arguments, line = SIZES[script.stem]
    printed = run(script, tmp_path, *arguments)
    assert re.search(line, printed, re.MULTILINE), printed
    figure = tmp_path / f"{script.stem}.png"
    assert list(tmp_path.iterdir()) == [figure]
    assert figure.read_bytes().startswith(b"\x89PNG")


def test_the_two_kinds_of_cell_differ_as_published(tmp_path):
    printed = run(ROOT / "examples" / "own_neuron.py", tmp_path)
    per_burst = [float(x) for x in re.findall(r"(\d+\.\d) spikes per burst", printed)]
    assert per_burst[0] == 1.0
    assert per_burst[1] > 3.0


def test_the_rule_strengthens_correlated_inputs_and_weakens_the_others(tmp_path):
    printed = run(ROOT / "examples" / "own_plasticity_rule.py", tmp_path)
    correlated, uncorrelated = (float(x) for x in re.findall(r"(\d\.\d\d) mV after", printed))
    assert correlated > 4.5
    assert uncorrelated < 1.0


def test_gap_junctions_bring_two_cells_to_fire_together(tmp_path):
    printed = run(ROOT / "examples" / "gap_junctions.py", tmp_path)
    without, coupled = map(float, re.findall(r"spikes (\d+\.\d\d) ms apart", printed))
    assert without > 5.0
    assert coupled < 0.2


def test_rates_are_those_of_the_known_f_i_curve(tmp_path):
    printed = run(ROOT / "examples" / "fi_curve.py", tmp_path)
    assert float(re.search(r"within (\d\.\d) %", printed)[1]) < 0.5


def test_inhibition_brings_every_neuron_to_the_target_rate(tmp_path):
    printed = run(ROOT / "examples" / "inhibitory_plasticity.py", tmp_path)
    first = float(re.search(r"first second: (\d+\.\d) Hz", printed)[1])
    mean, spread = map(float, re.search(r"(\d\.\d) Hz \(.* cells (\d\.\d) Hz", printed).groups())
    assert first > 20.0
    assert abs(mean - 5.0) < 0.5
    assert spread < 0.3


def test_scaling_brings_every_neuron_to_the_target_rate_by_one_factor_each(tmp_path):
    printed = run(ROOT / "examples" / "synaptic_scaling.py", tmp_path)
    low, high = map(float, re.search(r"from (\d+\.\d) to (\d+\.\d) Hz", printed).groups())
    assert 7.0 < low < high < 9.0
    small, large, spread = re.search(r"from (\S+) to (\S+), .* \+-(\S+)$", printed, re.M).groups()
    assert float(small) < 0.7 < 1.1 < float(large)
    assert float(spread) < 1e-5


def test_pairs_weaken_in_one_order_at_low_and_strengthen_in_both_at_high_frequency(tmp_path):
    printed = run(ROOT / "examples" / "triplet_stdp.py", tmp_path)
    _, high, low, also_high = map(float, re.findall(r"([+-]\d+\.\d) % at", printed))
    assert high > 50.0
    assert low < -25.0
    assert also_high > 50.0


def test_with_magnesium_a_dendrite_answers_more_than_the_sum(tmp_path):
    printed = run(ROOT / "examples" / "nmda_dendrite.py", tmp_path)
    blocked, free = map(float, re.findall(r"up to (\d\.\d\d) times", printed))
    assert blocked > 2.0
    assert free == 1.0


def test_reward_alone_teaches_which_action_is_right(tmp_path):
    printed = run(ROOT / "examples" / "reward_stdp.py", tmp_path)
    shares = np.array(re.findall(r"(\d+) % (?:at the end|without)", printed), int).reshape(5, 2)
    learned, without = shares.T
    assert (learned >= 90).all()
    assert (without <= 75).all()


def test_neurons_of_class_two_begin_to_fire_at_a_rate_above_zero_and_others_near_zero(tmp_path):
    printed = run(ROOT / "examples" / "textbook_neurons.py", tmp_path)
    first = dict(re.findall(r"^(\w+) fires from .* at (\d+) Hz$", printed, re.MULTILINE))
    assert int(first["HodgkinHuxley"]) > 45
    assert int(first["FitzHughNagumo"]) > 15
    assert int(first["MorrisLecar"]) > 7
    assert all(int(first[name]) < 7 for name in ("ExponentialIF", "AdaptiveLIF", "TwoCompartment"))


def test_synapses_that_compete_make_the_output_slow_and_irregular(tmp_path):
    printed = run(ROOT / "examples" / "stdp_poisson.py", tmp_path, "--seconds", "300")
    first, last = re.findall(r"^at .*: (\d+\.\d) Hz, CV (\d\.\d\d)$", printed, re.MULTILINE)
    assert float(first[0]) > 100.0
    assert float(last[0]) < 20.0
    assert float(first[1]) < 0.4
    assert float(last[1]) > 0.7


def test_the_drawing_gets_five_times_better_than_none(tmp_path):
    printed = run(ROOT / "examples" / "drawing.py", tmp_path, "--blocks", "10")
    below = [float(x) for x in re.findall(r"(\d+\.\d) times less", printed)]
    assert below[-1] > 5.0


def test_a_hidden_layer_learns_five_spikes_exactly(tmp_path):
    printed = run(ROOT / "examples" / "hidden_layer.py", tmp_path)
    assert "5 of 5 spikes in the right step of 0.1 ms, 5 in all" in printed
