"""Trains two small classifiers with snnTorch, and writes what they do: tests/nir_peer.

    pip install snntorch nirtorch nir && python tests/nir_peer.py

Needs torch, so tests do not run it; `tests/test_nir.py` compares spikesim with what it wrote. For
each classifier there is the graph that snnTorch's own exporter makes, and in spikes.npz every spike
of every layer for all test images, computed in float64.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent / "nir_peer"
DIGITS = Path(__file__).parents[1] / "data" / "digits.npz"
STEPS = 16
EVERY = 2  # of the test images


def shown(images: np.ndarray, kind: str) -> np.ndarray:
    """What the input sends in each step, shape (steps, images, pixels): currents or spikes."""
    brightness = np.repeat(images[None] / 255.0, STEPS, axis=0)
    if kind == "leaky":
        return brightness
    return (np.random.default_rng(5).random(brightness.shape) < 0.5 * brightness) * 1.0


def main() -> None:
    import nir
    import snntorch as snn
    import snntorch.surrogate
    import snntorch.utils
    import torch
    from snntorch.export_nir import export_to_nir

    torch.manual_seed(1)
    FOLDER.mkdir(exist_ok=True)
    train_images, train_labels, images, labels = digits()

    def each(n: int, first: float, last: float) -> torch.Tensor:
        return torch.linspace(first, last, n)

    atan = snn.surrogate.atan()

    def spike(above: torch.Tensor) -> torch.Tensor:
        return atan(above).to(above.dtype)  # it gives float32

    def leaky() -> list[torch.nn.Module]:
        hidden = snn.Leaky(
            beta=each(40, 0.8, 0.95),
            threshold=each(40, 1.0, 1.0),
            spike_grad=spike,
            init_hidden=True,
        )
        last = snn.Leaky(
            beta=each(10, 0.8, 0.8),
            threshold=each(10, 0.7, 0.7),
            spike_grad=spike,
            init_hidden=True,
            output=True,
        )
        return [torch.nn.Linear(64, 40), hidden, torch.nn.Linear(40, 10), last]

    def recurrent() -> list[torch.nn.Module]:
        hidden = snn.Synaptic(
            alpha=each(40, 0.5, 0.8),
            beta=each(40, 0.8, 0.95),
            threshold=each(40, 1.0, 1.0),
            reset_mechanism="zero",
            spike_grad=spike,
            init_hidden=True,
        )
        last = snn.RLeaky(
            beta=0.85,
            linear_features=10,
            reset_mechanism="zero",
            spike_grad=spike,
            init_hidden=True,
            output=True,
        )
        return [torch.nn.Linear(64, 40), hidden, torch.nn.Linear(40, 10, bias=False), last]

    written = {}
    for kind, layers in (("leaky", leaky), ("recurrent", recurrent)):
        net = torch.nn.Sequential(*layers())
        optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
        given = torch.tensor(shown(train_images[:700], kind), dtype=torch.float32)
        answer = torch.tensor(train_labels[:700])
        for epoch in range(40):
            snn.utils.reset(net)
            counts = sum(net(x)[0] for x in given)
            loss = torch.nn.functional.cross_entropy(counts, answer)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if epoch % 20 == 19:
                print(kind, epoch + 1, loss.item())
        snn.utils.reset(net)
        graph = export_to_nir(net, torch.zeros(64))
        nir.write(FOLDER / f"{kind}.nir", graph, compression=None)
        net = net.double()
        spikes = run(snn, torch, net, shown(images[::EVERY], kind))
        error = np.mean(spikes[1].sum(axis=0).argmax(axis=1) != labels[::EVERY])
        print(f"{kind}: error on test images {100 * error:.1f} %")
        for k, layer in enumerate(spikes):
            written[f"{kind}_{k}"] = np.packbits(layer)
    np.savez_compressed(FOLDER / "spikes.npz", **written)


def run(snn, torch, net, given: np.ndarray) -> list[np.ndarray]:
    """The spikes of both layers, shape (steps, images, neurons)."""
    snn.utils.reset(net)
    found: list[list[np.ndarray]] = [[], []]
    with torch.no_grad():
        for x in torch.tensor(given):
            first = net[1](net[0](x))
            second = net[3](net[2](first))[0]
            found[0].append(first.numpy() > 0.5)
            found[1].append(second.numpy() > 0.5)
    return [np.array(each) for each in found]


def digits() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Images and labels for training and for the test, in the order of `spikesim.datasets`."""
    with np.load(DIGITS) as file:
        images, labels = file["images"], file["labels"].astype(np.int64)
    images = np.rint(images / 16 * 255).astype(np.uint8).reshape(len(images), 64)
    is_test = np.zeros(len(labels), bool)
    is_test[np.argsort(labels, kind="stable")[::5]] = True
    return images[~is_test], labels[~is_test], images[is_test], labels[is_test]


if __name__ == "__main__":
    main()
