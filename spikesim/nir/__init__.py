"""Networks from and to the Neuromorphic Intermediate Representation (Pedersen et al. 2024).

    from spikesim import nir

    net = nir.read("classifier.nir", dt=1.0, discretisation="euler")
    net.populations["input"].feed(spikes)
    nir.write(net, "copy.nir")

NIR is a graph of neurons and weights that snnTorch, Norse, Lava, Rockpool, sinabs, SpikingJelly and
others exchange. Its equations are in continuous time. What it leaves open is said explicitly here:
the step, how a step follows from the equations, and what a reset is. `write` needs the package
nir; ``pip install "spikesim[nir]"`` brings it.
"""

from spikesim.nir.inputs import Input
from spikesim.nir.neurons import neuron
from spikesim.nir.reading import read
from spikesim.nir.writing import to_graph, write

__all__ = ["Input", "neuron", "read", "to_graph", "write"]
