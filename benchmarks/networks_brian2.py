"""The networks of `networks.py` in Brian2's C++ standalone mode, with one thread; run by it.

    <a Python that has Brian2> benchmarks/networks_brian2.py CUBA|COBA SECONDS SEED FOLDER

The last line that it prints is JSON: seconds of the simulation, of everything, and the rate in Hz.
"""

import json
import sys
import time

import brian2 as b2
from brian2 import ms, mV, second

# Brian2 reads these from here by name.
tau, tau_exc, tau_inh = 20 * ms, 5 * ms, 10 * ms
E_exc, E_inh = 0 * mV, -80 * mV

CURRENTS = """
dv/dt = (rest - v + s_exc + s_inh) / tau : volt (unless refractory)
ds_exc/dt = -s_exc / tau_exc : volt
ds_inh/dt = -s_inh / tau_inh : volt
"""
CONDUCTANCES = """
dv/dt = (rest - v + s_exc * (E_exc - v) + s_inh * (E_inh - v)) / tau : volt (unless refractory)
ds_exc/dt = -s_exc / tau_exc : 1
ds_inh/dt = -s_inh / tau_inh : 1
"""

kind, seconds, number, folder = sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
b2.set_device("cpp_standalone", directory=folder)
b2.defaultclock.dt = 0.1 * ms
b2.seed(number)
begin = time.perf_counter()
if kind == "CUBA":
    rest, w_exc, w_inh = -49 * mV, 1.62 * mV, -9 * mV
    equations, method = CURRENTS, "exact"
else:
    rest, w_exc, w_inh = -60 * mV, 0.6, 6.7
    equations, method = CONDUCTANCES, "exponential_euler"
cells = b2.NeuronGroup(
    4000, equations, threshold="v > -50*mV", reset="v = -60*mV", refractory=5 * ms, method=method
)
cells.v = "-60*mV + 10*mV * rand()"
if kind == "COBA":
    cells.s_exc = "clip(4 + 1.5 * randn(), 0, 100)"
    cells.s_inh = "clip(20 + 12 * randn(), 0, 100)"
exc = b2.Synapses(cells, cells, on_pre="s_exc += w_exc")
exc.connect("i < 3200", p=0.02)
inh = b2.Synapses(cells, cells, on_pre="s_inh += w_inh")
inh.connect("i >= 3200", p=0.02)
spikes = b2.SpikeMonitor(cells)
b2.run(seconds * second)
whole = time.perf_counter() - begin
print(json.dumps([b2.device._last_run_time, whole, spikes.num_spikes / (4000 * seconds)]))
