"""Several devices learn one model, without other code."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.tiny_training import records, run_in

PROGRAM = Path(__file__).with_name("shared_training.py")


def launched(folder: Path, kind: str, processes: int) -> str:
    path = os.pathsep.join(entry for entry in sys.path if entry)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": path, "ACCELERATE_USE_CPU": "true"}
    # `accelerate launch` starts CPU processes through MPI only; on GPUs it starts this.
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(processes)]
    command = [sys.executable, *launcher, str(PROGRAM), str(folder), kind]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["gan", "supervised"])
def test_two_processes_end_with_the_same_weights_and_write_one_run(tmp_path: Path, kind: str) -> None:
    end = launched(tmp_path / "two", kind, 2)
    assert end == "processes 2 equal True"
    run = run_in(tmp_path / "two")
    assert [record["step"] for record in records(run, "train")] == [1, 2, 3, 4]
    assert [record["step"] for record in records(run, "validate")] == [2, 4]
    assert run.checkpoint().name == "step-000004"
