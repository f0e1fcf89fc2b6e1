"""Logs of training: what the history has, once, whatever was stopped and continued."""

import csv
import struct

import numpy as np
import pytest

from spikesim import datasets
from spikesim.errors import FileError, InputError
from spikesim.logs import CSVLog, TensorBoardLog, history_table
from spikesim.models.feedback_alignment import FeedbackAlignment
from spikesim.models.superspike import SuperSpikeNetwork, tasks

DIGITS = datasets.load("digits")
IMAGES, LABELS = DIGITS.train_images[:4], DIGITS.train_labels[:4]


def network(seed=1):
    return FeedbackAlignment((64, 5, 10), seed=seed, measure_angle=True, backend="python")


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_a_csv_file_has_a_row_for_each_epoch(tmp_path):
    net = network()
    net.fit(IMAGES, LABELS, epochs=3, callback=CSVLog(tmp_path / "log.csv"))
    found = rows(tmp_path / "log.csv")
    assert [row["epoch"] for row in found] == ["1", "2", "3"]
    assert [float(row["loss"]) for row in found] == net.history["loss"]
    assert [float(row["angle/1"]) for row in found] == [each[0] for each in net.history["angle"]]
    assert found[0]["test_error"] == ""


class Killed(BaseException):
    """What ends a process at once."""


def kill_at(epoch, log):
    def callback(net):
        if net.epoch == epoch:
            raise Killed
        log(net)

    return callback


def test_training_that_was_killed_is_logged_once(tmp_path):
    """It is killed after epoch 2 was saved and before it was logged."""
    log, saved = tmp_path / "log.csv", tmp_path / "run.h5"
    with pytest.raises(Killed):
        network().fit(IMAGES, LABELS, epochs=4, checkpoint=saved, callback=kill_at(2, CSVLog(log)))
    assert len(rows(log)) == 1
    net = FeedbackAlignment.load(saved, backend="python")
    net.fit(IMAGES, LABELS, epochs=2, checkpoint=saved, callback=CSVLog(log))
    assert [row["epoch"] for row in rows(log)] == ["1", "2", "3", "4"]


def test_a_new_network_replaces_the_log_of_the_last_one(tmp_path):
    for seed, epochs in ((1, 3), (2, 1)):
        net = network(seed)
        net.fit(IMAGES, LABELS, epochs=epochs, callback=CSVLog(tmp_path / "log.csv"))
    assert [float(row["loss"]) for row in rows(tmp_path / "log.csv")] == net.history["loss"]


def test_training_of_a_task_logs_its_tests(tmp_path):
    task = tasks.spikes()._replace(block=500.0)
    net = SuperSpikeNetwork((100, 1), seed=1)
    net.train(task, 3, callback=CSVLog(tmp_path / "log.csv"))
    found = rows(tmp_path / "log.csv")
    assert [row["block"] for row in found] == ["1", "2", "3"]
    assert [float(row["test_error"]) for row in found] == net.notes["tested"]


def test_a_folder_that_is_missing_is_refused_before_training(tmp_path):
    with pytest.raises(FileError):
        CSVLog(tmp_path / "no" / "log.csv")


def test_what_has_no_history_is_refused():
    with pytest.raises(InputError, match="history"):
        history_table(3)


def test_pandas_makes_a_table_of_a_history():
    pandas = pytest.importorskip("pandas", reason="pip install pandas")
    net = network()
    net.fit(IMAGES, LABELS, epochs=2)
    table = pandas.DataFrame(history_table(net))
    assert table["epoch"].tolist() == [1, 2]
    assert table["loss"].tolist() == net.history["loss"]


# ---- TensorBoard -----------------------------------------------------------------------------


def scalars(folder):
    """All scalars in event files: records of length, checksum, content, checksum."""
    from tensorboardX.proto.event_pb2 import Event

    found = []
    for path in sorted(folder.iterdir()):
        content = path.read_bytes()
        while content:
            (length,) = struct.unpack("<Q", content[:8])
            event = Event.FromString(content[12 : 12 + length])
            found += [(v.tag, event.step, v.simple_value) for v in event.summary.value]
            content = content[16 + length :]
    return found


@pytest.fixture
def folder(tmp_path):
    pytest.importorskip("tensorboardX", reason="pip install tensorboardX")
    return tmp_path / "runs" / "first"


def of_loss(folder):
    return sorted((step, value) for tag, step, value in scalars(folder) if tag == "loss")


def test_tensorboard_gets_each_number_of_the_history(folder):
    net, log = network(), TensorBoardLog(folder)
    net.fit(IMAGES, LABELS, epochs=3, callback=log)
    log.close()
    steps, values = zip(*of_loss(folder), strict=True)
    assert steps == (1, 2, 3)
    assert np.allclose(values, net.history["loss"])
    assert "angle/1" in {tag for tag, *_ in scalars(folder)}


def test_tensorboard_gets_nothing_twice_from_training_that_was_killed(folder, tmp_path):
    saved = tmp_path / "run.h5"
    with pytest.raises(Killed):
        network().fit(
            IMAGES, LABELS, epochs=4, checkpoint=saved, callback=kill_at(3, TensorBoardLog(folder))
        )
    net, log = FeedbackAlignment.load(saved, backend="python"), TensorBoardLog(folder)
    net.fit(IMAGES, LABELS, epochs=1, callback=log)
    log.close()
    assert [step for step, _ in of_loss(folder)] == [1, 2, 3, 4]


def test_files_of_others_in_the_folder_stay(folder):
    folder.mkdir(parents=True)
    (folder / "events.out.tfevents.1.other").write_bytes(b"")
    log = TensorBoardLog(folder)
    network().fit(IMAGES, LABELS, callback=log)
    log.close()
    assert (folder / "events.out.tfevents.1.other").exists()


def test_a_file_in_the_place_of_the_folder_is_refused(folder, tmp_path):
    (tmp_path / "log").write_text("")
    with pytest.raises(FileError, match="is a file"):
        TensorBoardLog(tmp_path / "log")
