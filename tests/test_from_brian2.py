"""The scripts of "Coming from Brian2" run, and are at most 1.5 times as long as those of Brian2."""

import re
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "coming_from" / "brian2.md").read_text(
    "utf-8"
)
SECTIONS = re.split(r"^## (\d+)\. .*$", PAGE, flags=re.MULTILINE)[1:]
SCRIPTS = {
    int(number): re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    for number, text in zip(SECTIONS[::2], SECTIONS[1::2], strict=True)
}
WITHOUT_BRIAN2 = 14

# What makes each one short, and what it has to print then: where it runs as it is, its numbers.
SIZES = {
    1: ({"net.run(1000.0)": "net.run(20.0)"}, r"\d+ Hz at 30 mV, \d+ of 100 cells fire"),
    2: ({}, r"15, 11 and 14 spikes"),
    3: ({"1001": "21", "1000)": "20)", "run(500.0)": "run(10.0)"}, r"alone: 1 spikes; coupled: "),
    4: ({}, r"the dendrite reaches -15\.94 mV, and -8\.71 mV without magnesium"),
    5: ({"trials=200": "trials=1", "range(1, 6)": "range(1, 2)"}, r"seed 1: \d+% right at first"),
    6: ({"60_000.0": "30.0", "=1000.0": "=10.0"}, r"all: mean 0\.\d+ mV; neuron 3: 0 weak"),
    7: ({"1000.0": "10.0"}, r"(?s)plastic: .*fixed: .*lower threshold: .*half silent: 0\.0 and "),
    8: (
        {},
        r"coupling coefficient 0\.200, analytic 0\.200\n"
        r"g = 0\.0: spikes 5\.43 ms apart\ng = 0\.2: spikes 0\.35 ms apart",
    ),
    9: ({"60_000.0": "40.0", "(1000.0)": "(10.0)"}, r"first second \d+\.\d Hz .*, last 15 s 0\.00"),
    10: ({"1000, C": "100, C", "(1000.0)": "(30.0)"}, r"0 ms: [34]\.\d\d, analytic 4\.00\n2 ms: "),
    12: ({"range(50)": "range(2)", "/ 50": "/ 2"}, r"0\.0 Hz before, 2\d\.\d Hz during the step"),
    13: ({"800": "80", "200": "20", "1000.0": "30.0"}, r"exc: \d+\.\d Hz\ninh: \d+\.\d Hz"),
    14: (
        {"[:1200]": "[:20]", "[1200:]": "[1400:]"}
        | {"epochs=50": "epochs=2", "seed=1)": "seed=1, backend='python')"}
        | {"(digits.test_images, digits.test_labels)": "(images[:20], labels[:20])"},
        r"epoch 1: \d.*\nepoch 2: \d.* % of the held-out wrong\n\d+\.\d % of the test images wrong",
    ),
}


def lines(script):
    """How many lines of code: neither empty nor a comment."""
    return sum(bool(re.match(r"\s*[^\s#]", line)) for line in script.splitlines())


def shortened(number):
    """Our script of a section, in plain Python, with small sizes."""
    script = re.sub(r"\bNetwork\(", "Network(backend='python', ", SCRIPTS[number][-1])
    for size, small in SIZES[number][0].items():
        assert size in script, f"task {number} has no {size!r}"
        script = script.replace(size, small)
    return script


def test_every_task_has_a_script_of_both():
    assert sorted(SCRIPTS) == list(range(1, 15))
    for number, scripts in SCRIPTS.items():
        assert len(scripts) == (1 if number == WITHOUT_BRIAN2 else 2)
        assert ("from brian2 import" in scripts[0]) == (number != WITHOUT_BRIAN2)
        assert "from spikesim import" in scripts[-1]


@pytest.mark.parametrize("number", sorted(set(SCRIPTS) - {WITHOUT_BRIAN2}))
def test_a_script_is_at_most_half_as_long_again_as_that_of_brian2(number):
    theirs, ours = map(lines, SCRIPTS[number])
    assert ours <= 1.5 * theirs
    assert re.search(rf"^\| {number}\. .* \| {theirs} \| {ours} \|$", PAGE, re.MULTILINE)


@pytest.mark.parametrize("number", sorted(SIZES))
def test_a_script_runs_prints_its_numbers_and_writes_its_files(
    number, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    script = shortened(number)
    try:
        exec(compile(script, f"task {number}", "exec"), {"__name__": "__main__"})
    finally:
        plt.close("all")
    assert re.match(SIZES[number][1], capsys.readouterr().out)
    written = {path.name for path in tmp_path.iterdir()}
    assert written == set(re.findall(r'(?:savefig|sonata)\("(\S+)"\)', script))


def test_a_cell_of_a_notebook_shows_a_figure_and_the_population(tmp_path, monkeypatch):
    monkeypatch.delenv("MPLBACKEND", raising=False)  # a notebook has a backend of its own
    nbformat = pytest.importorskip("nbformat")
    client = pytest.importorskip("nbclient").NotebookClient
    pytest.importorskip("ipykernel")
    script = SCRIPTS[11][-1].replace("Network(", "Network(backend='python', ")
    script = script.replace("run(1000.0", "run(50.0")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(script)])
    client(
        notebook,
        timeout=600,
        kernel_name="python3",
        resources={"metadata": {"path": str(Path(__file__).resolve().parent.parent)}},
    ).execute()
    shown = [output.get("data", {}) for output in notebook.cells[0].outputs]
    printed = "".join(output.get("text", "") for output in notebook.cells[0].outputs)
    assert sum("image/png" in data for data in shown) == 1
    assert re.search(r"\b\d+ spikes", printed)
    assert "<table" in shown[-1]["text/html"]
