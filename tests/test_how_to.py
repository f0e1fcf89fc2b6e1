"""What the how-to pages tell a cluster to do is understood there."""

import re
import subprocess
from pathlib import Path

import pytest

import spikesim.cli as cli

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "how_to" / "sweeps.md").read_text(encoding="utf-8")
JOBS = re.findall(r"```bash\n(#!/bin/bash\n.*?)```", PAGE, re.DOTALL)
OF_SLURM = {"SLURM_CPUS_PER_TASK": "32", "SLURM_ARRAY_TASK_ID": "7"}


@pytest.fixture
def called(tmp_path, monkeypatch):
    """Runs a job whose `spikesim` only says what it was called with."""
    stub = tmp_path / "bin" / "spikesim"
    stub.parent.mkdir()
    stub.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n', encoding="utf-8")
    stub.chmod(0o755)
    monkeypatch.setenv("PATH", str(stub.parent), prepend=":")
    for name, value in OF_SLURM.items():
        monkeypatch.setenv(name, value)

    def run(job):
        (tmp_path / "job.sbatch").write_text(job, encoding="utf-8")
        command = ["bash", "-eu", "job.sbatch"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout.splitlines()

    return run


def test_there_is_a_job_for_one_sweep_and_one_for_an_array():
    assert len(JOBS) == 2
    assert ["--array" in job for job in JOBS] == [False, True]


@pytest.mark.parametrize("job", JOBS, ids=["sweep", "array"])
def test_slurm_reads_its_options_before_the_first_command(job):
    lines = job.splitlines()
    options = [k for k, line in enumerate(lines) if line.startswith("#SBATCH --")]
    assert options == list(range(1, 1 + len(options)))


@pytest.mark.parametrize("job", JOBS, ids=["sweep", "array"])
def test_a_signal_of_slurm_reaches_the_program_that_replaces_the_shell(job):
    assert "--signal=B:TERM@" in job
    assert all(
        line.lstrip().startswith("exec ") for line in job.splitlines() if "spikesim " in line
    )


@pytest.mark.parametrize("job", JOBS, ids=["sweep", "array"])
def test_the_commands_of_the_jobs_parse(job, called):
    given = called(job)
    chosen, unknown = cli._parser(given).parse_known_args(given)
    assert not unknown
    assert getattr(chosen, "workers", None) == 32 or chosen.seed == 7


def test_a_job_of_the_array_continues_a_run_that_exists(called, tmp_path):
    (tmp_path / "runs" / "seed-7").mkdir(parents=True)
    (tmp_path / "runs" / "seed-7" / "run.h5").touch()
    assert called(JOBS[1]) == ["resume", "runs/seed-7", "--no-progress"]
