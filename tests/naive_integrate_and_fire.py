"""Integrate-and-fire neurons, Izhikevich's neuron and pair-based plasticity, one at a time, slowly.

This is an oracle against which spikesim's own neurons are tested: the equations of their docstrings
in Python floats, a neuron or a synapse at a time. It shares no code with the package and is never
fast. Times are in ms, potentials in mV.

    cell = NaiveIntegrateAndFire("current", parameters, dt=0.1)
    cell.step({"I_exc": 3.0})             what arrives in this step, by port
    cell.state["v"], cell.fired           after it

What is linear is advanced by the exponential of the whole matrix that moves it, in the form in
which it stands in the docstring. Where that leaves a choice:

- what arrives in a step is there when the step begins. A step ends dt later, and v at its end is
  compared with the threshold, but where spikes make v jump: there it is v at the beginning.
- a neuron that fires in step f is held in steps f + 1 ... f + R, R being the refractory period in
  steps. Where v jumps it is held in steps f ... f + R - 1: it fires at the time of step f, not at
  its end, so that the jump of step f + R counts.
- pairs: several spikes that arrive in one step act with the same weight and then change it one
  after the other.
"""

import math

import numpy as np
from scipy.linalg import expm

# ------------------------------------------------------------------ integrate and fire

KINDS = ("drive", "jump", "current", "alpha current", "conductance", "alpha conductance")


class NaiveIntegrateAndFire:
    def __init__(self, kind, parameters, dt, **start):
        """`start` is what the variables start from, as in the package."""
        if kind not in KINDS:
            raise ValueError(f"kind is one of {KINDS}, not {kind!r}")
        self.kind, self.p, self.dt = kind, parameters, dt
        self.refractory_steps = round(parameters["refractory"] / dt)
        self.state = dict(start)
        self.names, slopes = self.slopes()
        self.propagator = expm(slopes * dt)
        self.k = 0
        self.last = None  # the step of its last spike
        self.fired = 0

    # -------------------------------------------------------------- what is linear

    def slopes(self):
        """Names of what moves linearly, and d/dt of them as a matrix; the last is a constant 1."""
        p, kind = self.p, self.kind
        names = {
            "drive": ["drive"],
            "jump": [],
            "current": ["I_exc", "I_inh"],
            "alpha current": ["I_exc", "rise_exc", "I_inh", "rise_inh"],
            "conductance": ["g_exc", "g_inh"],
            "alpha conductance": ["g_exc", "rise_exc", "g_inh", "rise_inh"],
        }[kind]
        has_v = "conductance" not in kind
        names = [*(["v"] if has_v else []), *names, "1"]
        at = {name: k for k, name in enumerate(names)}
        A = np.zeros((len(names), len(names)))
        if has_v:
            tau_v, rest = p["tau"], p["E_L"] + p["I"]
            A[at["v"], at["v"]] = -1.0 / tau_v
            A[at["v"], at["1"]] = rest / tau_v
        for name in names:
            if name in ("v", "1"):
                continue
            side = name.split("_")[-1]
            tau = p["tau_synapse"] if name == "drive" else p[f"tau_{side}"]
            A[at[name], at[name]] = -1.0 / tau
            if name.startswith(("I_", "g_")) and "alpha" in kind:
                A[at[name], at[f"rise_{side}"]] = math.e / tau
            if name.startswith(("I_", "drive")):
                A[at["v"], at[name]] = 1.0 / tau_v
        return names, A

    def advance(self):
        """All that is linear, by a step; a voltage that is held is held."""
        values = [*(self.state[name] for name in self.names[:-1]), 1.0]
        values = (self.propagator @ values).tolist()
        self.state.update(zip(self.names[:-1], values[:-1], strict=True))

    # -------------------------------------------------------------- a step

    def held(self):
        since = math.inf if self.last is None else self.k - self.last
        return since < self.refractory_steps + (self.kind != "jump")

    def step(self, arriving):
        self.fired = 0
        if self.kind == "jump":
            self.jump(arriving.get("v", 0.0))
        else:
            for port, weight in arriving.items():
                self.state[port] += weight
            self.relax()
        self.k += 1

    def jump(self, weight):
        p, state = self.p, self.state
        if self.held():
            state["v"] = p["V_reset"]
        else:
            state["v"] += weight
            if state["v"] > p["threshold"]:
                self.spike()
        if not self.held():
            self.advance()

    def relax(self):
        p, state = self.p, self.state
        held, v = self.held(), state["v"]
        if "conductance" in self.kind:
            exc, inh = state["g_exc"], state["g_inh"]
            total = 1.0 + exc + inh
            aim = (p["E_L"] + p["I"] + exc * p["E_exc"] + inh * p["E_inh"]) / total
            v = aim + (v - aim) * math.exp(-self.dt * total / p["tau"])
        self.advance()
        if "conductance" not in self.kind:
            v = state["v"]
        state["v"] = p["V_reset"] if held else v
        if not held and v > p["threshold"]:
            self.spike()

    def spike(self):
        self.fired, self.last = 1, self.k
        self.state["v"] = self.p["V_reset"]


# ------------------------------------------------------------------ Izhikevich (2003)


class NaiveIzhikevich:
    """v, u, drive and I as in the package; `fired` is 1 after a step with a spike."""

    def __init__(self, *, a, b, c, d, tau_synapse, v, u, drive, I, dt):  # noqa: E741
        self.a, self.b, self.c, self.d, self.tau_synapse = a, b, c, d, tau_synapse
        self.v, self.u, self.drive, self.I = v, u, drive, I
        self.dt = dt
        self.fired = 0

    def slopes(self, v, u, drive):
        return 0.04 * v**2 + 5.0 * v + 140.0 - u + self.I + drive, self.a * (self.b * v - u)

    def step(self, arriving=0.0):
        half = 0.5 * self.dt
        self.drive += arriving
        dv, du = self.slopes(self.v, self.u, self.drive)
        middle = self.v + half * dv, self.u + half * du
        dv, du = self.slopes(*middle, self.drive * math.exp(-half / self.tau_synapse))
        self.v, self.u = self.v + self.dt * dv, self.u + self.dt * du
        self.fired = int(self.v >= 30.0)
        if self.fired:
            self.v, self.u = self.c, self.u + self.d
        self.drive *= math.exp(-self.dt / self.tau_synapse)


# ------------------------------------------------------------------ pairs of spikes


class NaivePairs:
    """One synapse that every pair of spikes changes (Song, Miller & Abbott 2000)."""

    def __init__(self, w, *, tau_plus, tau_minus, A_plus, A_minus, w_max, w_min, dt):
        self.w, self.bounds, self.dt = w, (w_min, w_max), dt
        self.tau_plus, self.tau_minus = tau_plus, tau_minus
        self.A_plus, self.A_minus = A_plus, A_minus
        self.arrived, self.fired = [], []  # the step of every spike so far
        self.k = 0

    def change(self, dw):
        self.w = min(max(self.w + dw, self.bounds[0]), self.bounds[1])

    def summed(self, steps, tau):
        """What a trace of these spikes has come to: every pair with them counts."""
        return math.fsum(math.exp((s - self.k) * self.dt / tau) for s in steps)

    def step(self, arriving, firing, learns=True):
        """So many spikes arrive, then so many are fired; returns what those that arrive do."""
        acts = arriving * self.w
        for _ in range(arriving if learns else 0):
            self.change(-self.A_minus * self.summed(self.fired, self.tau_minus))
        self.arrived += [self.k] * arriving
        for _ in range(firing if learns else 0):
            self.change(self.A_plus * self.summed(self.arrived, self.tau_plus))
        self.fired += [self.k] * firing
        self.k += 1
        return acts
