"""Images of a user's own: files in several layouts, on the command line and in any shape."""

import csv
import gzip
import struct

import numpy as np
import pytest

from spikesim import datasets, plot
from spikesim.cli import main
from spikesim.errors import FileError, InputError
from spikesim.models.feedback_alignment import FeedbackAlignment

IMAGES = np.arange(20 * 12, dtype=np.uint8).reshape(20, 4, 3)
LABELS = np.arange(20) % 2


def npz(place, **arrays):
    np.savez(place, **arrays)
    return place


def idx(folder, name, array):
    header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    (folder / f"{name}.gz").write_bytes(gzip.compress(header + array.astype(np.uint8).tobytes()))


def idx_files(folder, images, begins=""):
    folder.mkdir(exist_ok=True)
    for part, n in (("train", 12), ("test" if begins else "t10k", 8)):
        idx(folder, f"{begins}{part}-images-idx3-ubyte", images[:n])
        idx(folder, f"{begins}{part}-labels-idx1-ubyte", LABELS[:n])


def test_every_fifth_image_of_a_class_is_for_tests_if_the_file_does_not_tell(tmp_path):
    data = datasets.load(npz(tmp_path / "mine.npz", images=IMAGES, labels=LABELS))
    flat = IMAGES.reshape(20, 12)
    tests = [0, 1, 10, 11]  # the first and the sixth image of either class
    assert np.array_equal(data.test_images, flat[tests])
    assert np.array_equal(data.train_images, np.delete(flat, tests, axis=0))
    assert np.array_equal(data.train_labels, np.delete(LABELS, tests))
    assert (data.name, data.image_shape, data.n_classes) == ("mine", (4, 3), 2)


def test_a_file_may_tell_which_images_are_for_tests(tmp_path):
    arrays = {"X_train": 0}  # a name that no layout has
    path = npz(
        tmp_path / "mine.npz",
        train_images=IMAGES[:15],
        train_labels=LABELS[:15],
        test_images=IMAGES[15:],
        test_labels=LABELS[15:],
        **arrays,
    )
    data = datasets.load(str(path))
    assert np.array_equal(data.test_images, IMAGES[15:].reshape(5, 12))
    assert np.array_equal(data.train_labels, LABELS[:15])


def test_real_pixels_stay_as_they_are(tmp_path):
    images = IMAGES / 255.0
    data = datasets.load(npz(tmp_path / "mine.npz", X=images, y=LABELS.astype(float)))
    assert np.array_equal(data.test_images[0], images[0].ravel())
    assert data.train_labels.dtype == np.int64


def test_a_table_of_pixels_with_a_column_of_labels_is_read(tmp_path):
    path = tmp_path / "mine.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow([*(f"pixel{k}" for k in range(9)), "Label"])
        rows.writerows(
            [*image[:9], label] for image, label in zip(IMAGES.reshape(20, 12), LABELS, strict=True)
        )
    data = datasets.load(path)
    assert data.image_shape == (3, 3)
    assert data.train_images.dtype == np.uint8
    assert np.array_equal(data.test_images, IMAGES.reshape(20, 12)[[0, 1, 10, 11], :9])
    assert np.array_equal(data.test_labels, [0, 1, 0, 1])


def test_a_folder_of_idx_files_is_read_as_that_of_fashion_mnist(tmp_path):
    idx_files(tmp_path / "fashion", IMAGES)
    data = datasets.load(tmp_path / "fashion")
    assert np.array_equal(data.train_images, IMAGES[:12].reshape(12, 12))
    assert np.array_equal(data.test_labels, LABELS[:8])
    assert data.image_shape == (4, 3)


def test_one_of_several_datasets_of_a_folder_is_named_as_its_files_begin(tmp_path):
    idx_files(tmp_path, IMAGES, "emnist-letters-")
    idx_files(tmp_path, IMAGES[:, :2], "emnist-balanced-")
    assert datasets.load(tmp_path / "emnist-letters").image_shape == (4, 3)
    with pytest.raises(FileError, match=r"several datasets; name one .*emnist-balanced"):
        datasets.load(tmp_path)


REFUSED = {
    "no labels": ({"images": IMAGES}, "holds no labels"),
    "labels of another number": ({"images": IMAGES, "labels": LABELS[:5]}, "labels of .*shape"),
    "half labels": ({"images": IMAGES, "labels": LABELS + 0.5}, "labels are whole numbers"),
    "negative labels": ({"images": IMAGES, "labels": LABELS - 1}, "labels are whole numbers"),
    "large pixels": ({"images": IMAGES * 300.0, "labels": LABELS}, "divide by the largest"),
    "large whole pixels": ({"images": IMAGES.astype(int) + 100, "labels": LABELS}, "0 to 255"),
    "NaN": ({"images": np.full((20, 4), np.nan), "labels": LABELS}, "goes from nan"),
    "texts": ({"images": np.full((20, 4), "a"), "labels": LABELS}, "has to be numbers of shape"),
    "no images": ({"images": IMAGES[:0], "labels": LABELS[:0]}, "has to be numbers of shape"),
    "one image": ({"images": IMAGES[:1], "labels": LABELS[:1]}, "no images to train"),
    "an object": ({"images": np.array([None] * 20), "labels": LABELS}, "cannot be loaded|no NPZ"),
}


@pytest.mark.parametrize(("arrays", "says"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_dataset_is_refused_by_the_name_of_its_part(tmp_path, arrays, says):
    with pytest.raises(FileError, match=says):
        datasets.load(npz(tmp_path / "mine.npz", **arrays))


@pytest.mark.parametrize(
    ("text", "says"),
    {
        "": "has the columns",
        "a,b\n1,2\n": "one of them 'label'",
        "label,a\n1,2,3\n": "Row 2 .* has 3 columns",
        "label,a\n1,x\n": "no number",
        "label,a\n": "shape",
    }.items(),
)
def test_a_table_that_is_no_dataset_is_refused(tmp_path, text, says):
    path = tmp_path / "mine.csv"
    path.write_text(text)
    with pytest.raises(FileError, match=says):
        datasets.load(path)


def test_a_damaged_file_is_refused(tmp_path):
    path = npz(tmp_path / "mine.npz", images=IMAGES, labels=LABELS)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(FileError, match="no NPZ file that can be read"):
        datasets.load(path)


def test_a_run_with_data_of_ones_own_can_be_resumed(tmp_path, capsys):
    path = npz(tmp_path / "mine.npz", images=IMAGES, labels=LABELS)
    train = ["train", "feedback-alignment", "--data", str(path), "--hidden", "3", "--no-progress"]
    train += ["--epochs", "1", "--backend", "python", "--out", str(tmp_path / "run")]
    assert main(train) == 0
    assert "Training 12-3-2 on mine" in capsys.readouterr().out
    assert main(["resume", str(tmp_path / "run"), "--epochs", "2", "--no-progress"]) == 0
    assert main(["info", str(tmp_path / "run")]) == 0
    assert "2 of 2" in capsys.readouterr().out


def test_a_run_does_not_go_on_with_other_images_than_it_began_with(tmp_path, capsys):
    path = npz(tmp_path / "mine.npz", images=IMAGES, labels=LABELS)
    train = ["train", "feedback-alignment", "--data", str(path), "--hidden", "3", "--no-progress"]
    train += ["--epochs", "1", "--backend", "python", "--out", str(tmp_path / "run")]
    assert main(train) == 0
    npz(path, images=IMAGES[::-1], labels=LABELS)
    assert main(["resume", str(tmp_path / "run"), "--epochs", "2"]) == 2
    assert "holds other images than when the run began" in capsys.readouterr().err


def test_images_of_any_shape_give_the_same_answers():
    net = FeedbackAlignment((12, 3, 2), backend="python")
    flat = net.predict(IMAGES.reshape(20, 12))
    assert np.array_equal(net.predict(IMAGES), flat)
    assert np.array_equal(net.predict(IMAGES[3]), flat[3:4])
    assert np.array_equal(net.predict(IMAGES[3].ravel()), flat[3:4])
    net.fit(IMAGES, LABELS, epochs=1)


def test_an_image_of_another_number_of_pixels_is_refused():
    net = FeedbackAlignment((12, 3, 2), backend="python")
    with pytest.raises(InputError, match=r"has shape \(20, 2, 3\).* 12 pixels"):
        net.predict(IMAGES[:, :2])


def test_confusion_counts_answers_by_class():
    net = FeedbackAlignment((12, 3, 2), backend="python")
    answers = net.predict(IMAGES)
    counts = net.confusion(IMAGES, LABELS)
    for label in range(2):
        for answer in range(2):
            assert counts[label, answer] == np.sum((label == LABELS) & (answers == answer))


def test_a_figure_of_confusion_shows_shares_of_each_class():
    axes = plot.confusion([[30, 10, 0], [0, 5, 5], [0, 0, 0]])
    shown = axes.images[0].get_array()
    assert np.array_equal(shown, [[75, 25, 0], [0, 50, 50], [0, 0, 0]])
    assert [text.get_text() for text in axes.texts] == ["75", "25", "50", "50"]
    with pytest.raises(InputError, match="has to be square"):
        plot.confusion([[1, 2]])
