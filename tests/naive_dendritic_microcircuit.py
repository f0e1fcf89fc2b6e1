"""Section by section what is said of dendritic cortical microcircuits, naively in NumPy.

Written from the equations alone. Weights are [pre, post] and everything is kept by the number of
its layer, as in the equations, k = 0 (input) .. N (output): ``W[k]`` leads from layer k - 1 up to
k = 1..N. For hidden k, ``Y[k]`` leads from layer k + 1 down to k, ``Q[k]`` from the pyramidal cells
of layer k to its SST cells, one for each pyramidal cell of layer k + 1, and ``P[k]`` from these to
the apical dendrites of layer k. The bias unit is the last row of W and Q. Lists are given from
below: ``W = [W_1, .., W_N]``, ``Y = [Y_1, .., Y_{N-1}]``, and so P and Q.

States ``u``, ``uI``, ``vB``, ``vA``, ``vI`` are dictionaries by layer too; so is noise: ``xi`` of a
step is ``{"u": {k: ..}, "uI": {k: ..}}``. A matrix's low-passed product is ``D["W", k]``. Rates of
learning are numbers, or dictionaries by layer.

Where the equations leave a choice:

- `learning_lag` is a time: plasticity begins with step round(learning_lag / dt), counted from 0.
- The filters of input and target start at the first input and the first target that are given. The
  target's moves in untaught patterns too, if they have one. A tau_0 of 0 means no filter.
- The read-out averages u_N as it is after each of the last steps.
- Ideal lateral weights are both P and Q of the self-predicting state, at the start and after every
  update; P and Q do not learn then. Fixed ones never change.
- Frozen is W alone: Q, P and Y of that layer go on learning.
- A step's noise is added to the potentials after their Euler step, of all somata.
- Two-step updates take v_B and v_I from the latest way up. In the first that is the text's pass 1,
  with more passes it is what makes the products those of the fixed point.
- Backprop gives the gradient by a_k W_k, of which the gains of section 2.6 speak: the one by W_k
  itself has another factor a_k.
"""

import copy

import numpy as np


def logistic(u):
    return 1.0 / (1.0 + np.exp(-u))


def softplus(u):
    return np.logaddexp(0.0, u)


# phi and its slope
ACTIVATIONS = {
    "logistic": (logistic, lambda u: logistic(u) * (1.0 - logistic(u))),
    "softplus": (softplus, logistic),
    "regression": (lambda u: 0.1 * softplus(u - 3.0), lambda u: 0.1 * logistic(u - 3.0)),
}


def by_layer(rate, k):
    return rate[k] if isinstance(rate, dict) else rate


class NaiveMicrocircuit:
    def __init__(
        self,
        W,
        Y,
        P=None,  # without P and Q the circuit predicts itself from the start
        Q=None,
        g_l=0.1,  # 1/ms
        g_B=1.0,
        g_A=0.8,
        g_D=1.0,
        g_som=0.8,
        dt=0.1,  # ms
        tau_0=3.0,
        tau_w=30.0,
        t_pattern=100.0,
        learning_lag=0.0,
        eta_W=0.0,
        eta_Q=0.0,
        eta_P=0.0,
        eta_Y=0.0,
        lateral="plastic",
        activation="logistic",
        bias_rate=1.0,
        sigma=0.0,
        reset_deltas=False,
        frozen=(),
    ):
        self.N = len(W)
        self.hidden = range(1, self.N)
        self.W = {k: np.array(x, float) for k, x in enumerate(W, 1)}
        self.Y = {k: np.array(x, float) for k, x in enumerate(Y, 1)}
        self.g_l, self.g_B, self.g_A, self.g_D, self.g_som = g_l, g_B, g_A, g_D, g_som
        self.a = {k: g_B / (g_l + g_B + g_A) for k in self.hidden} | {self.N: g_B / (g_l + g_B)}
        self.a_I = g_D / (g_l + g_D)
        self.lam = {k: g_A / (g_l + g_B + g_A) for k in self.hidden}
        self.lam[self.N] = g_som / (g_l + g_B + g_som)
        self.lam_I = g_som / (g_l + g_D + g_som)
        self.dt, self.tau_0, self.tau_w, self.t_pattern = dt, tau_0, tau_w, t_pattern
        self.learning_lag, self.reset_deltas = learning_lag, reset_deltas
        self.eta = {"W": eta_W, "Q": eta_Q, "P": eta_P, "Y": eta_Y}
        self.lateral, self.bias_rate, self.sigma, self.frozen = lateral, bias_rate, sigma, frozen
        self.phi, self.slope = ACTIVATIONS[activation]

        self.predict_self()
        if P is not None and lateral != "ideal":
            self.P = {k: np.array(x, float) for k, x in enumerate(P, 1)}
        if Q is not None and lateral != "ideal":
            self.Q = {k: np.array(x, float) for k, x in enumerate(Q, 1)}

        self.u = {k: np.zeros(self.W[k].shape[1]) for k in range(1, self.N + 1)}
        self.uI = {k: np.zeros(self.Q[k].shape[1]) for k in self.hidden}
        self.vB, self.vA, self.vI = {}, {}, {}
        self.r_0 = self.u_target = None
        self.forget_deltas()

    def predict_self(self):
        """Section 2.4."""
        self.P = {k: -self.Y[k] for k in self.hidden}
        self.Q = {k: self.a[k + 1] / self.a_I * self.W[k + 1] for k in self.hidden}

    def matrices(self):
        return {"W": self.W, "Q": self.Q, "P": self.P, "Y": self.Y}

    def forget_deltas(self):
        every = self.matrices()
        self.D = {(name, k): np.zeros_like(m) for name in every for k, m in every[name].items()}

    def with_bias(self, r):
        return np.concatenate([r, np.full((*r.shape[:-1], 1), self.bias_rate)], axis=-1)

    # Section 2.1: dendrites

    def v_B(self, k, r):
        return self.with_bias(r[k - 1]) @ self.W[k]

    def v_A(self, k, r, rI):
        return r[k + 1] @ self.Y[k] + rI[k] @ self.P[k]

    def v_I(self, k, r):
        return self.with_bias(r[k]) @ self.Q[k]

    # Section 2.2: the first factor of each product, and the rates that it multiplies

    def products(self, r, rI, vB, vA, vI):
        """Sums over the rows, if rates are kept as rows of examples."""

        def outer(pre, post):
            return np.atleast_2d(pre).T @ np.atleast_2d(post)

        found = {}
        for k in range(1, self.N + 1):
            below = self.with_bias(r[k - 1])
            found["W", k] = outer(below, r[k] - self.phi(self.a[k] * vB[k]))
        for k in self.hidden:
            found["Q", k] = outer(self.with_bias(r[k]), rI[k] - self.phi(self.a_I * vI[k]))
            found["P", k] = outer(rI[k], 0.0 - vA[k])
            found["Y", k] = outer(r[k + 1], r[k] - self.phi(r[k + 1] @ self.Y[k]))
        return found

    def change(self, updates, dt=1.0):
        """W += dt eta D of all matrices that learn."""
        every = self.matrices()
        for (name, k), D in updates.items():
            rests = name == "W" and k in self.frozen
            rests = rests or (name in "PQ" and self.lateral != "plastic")
            if not rests:
                every[name][k] = every[name][k] + dt * by_layer(self.eta[name], k) * D
        if self.lateral == "ideal":
            self.predict_self()

    # Section 2.3: the continuous dynamics

    def rates(self):
        return {k: self.phi(self.u[k]) for k in self.u}, {k: self.phi(self.uI[k]) for k in self.uI}

    def step(self, x, target=None, taught=True, plastic=True, xi=None):
        """One step of length dt. A circuit without target is not taught."""
        dt = self.dt
        taught = taught and target is not None

        # 1. input and target
        x = np.asarray(x, float)
        if self.r_0 is None or self.tau_0 == 0.0:
            self.r_0 = x
        else:
            self.r_0 = self.r_0 + dt / self.tau_0 * (x - self.r_0)
        if target is not None:
            target = np.asarray(target, float)
            if self.u_target is None or self.tau_0 == 0.0:
                self.u_target = target
            else:
                self.u_target = self.u_target + dt / self.tau_0 * (target - self.u_target)

        # 2. rates
        r, rI = self.rates()
        r = {0: self.r_0} | r

        # 3. dendrites
        self.vB = {k: self.v_B(k, r) for k in range(1, self.N + 1)}
        self.vA = {k: self.v_A(k, r, rI) for k in self.hidden}
        self.vI = {k: self.v_I(k, r) for k in self.hidden}

        # 4. plasticity
        if plastic:
            product = self.products(r, rI, self.vB, self.vA, self.vI)
            self.change(self.D, dt)
            self.D = {i: D + dt / self.tau_w * (product[i] - D) for i, D in self.D.items()}

        # 5. somata
        u, uI = self.u, self.uI
        du, duI = {}, {}
        for k in self.hidden:
            du[k] = (
                -self.g_l * u[k] + self.g_B * (self.vB[k] - u[k]) + self.g_A * (self.vA[k] - u[k])
            )
            duI[k] = (
                -self.g_l * uI[k]
                + self.g_D * (self.vI[k] - uI[k])
                + self.g_som * (u[k + 1] - uI[k])
            )
        N = self.N
        du[N] = -self.g_l * u[N] + self.g_B * (self.vB[N] - u[N])
        if taught:
            du[N] = du[N] + self.g_som * (self.u_target - u[N])
        self.u = {k: u[k] + dt * du[k] for k in u}
        self.uI = {k: uI[k] + dt * duI[k] for k in uI}
        if xi is not None:
            for k in self.u:
                self.u[k] = self.u[k] + self.sigma * np.sqrt(dt) * xi["u"][k]
            for k in self.uI:
                self.uI[k] = self.uI[k] + self.sigma * np.sqrt(dt) * xi["uI"][k]

    def draw(self, rng):
        """The noise of one step."""
        return {
            "u": {k: rng.standard_normal(self.u[k].shape) for k in self.u},
            "uI": {k: rng.standard_normal(self.uI[k].shape) for k in self.uI},
        }

    def present(self, x, target=None, taught=True, learn=True, noise=None, last=0.0):
        """A presentation; ``noise`` holds xi of one step after another, without it there is none.

        Returns the mean of u_N over the last ms.
        """
        if self.reset_deltas:
            self.forget_deltas()
        steps, lag = round(self.t_pattern / self.dt), round(self.learning_lag / self.dt)
        noise = None if noise is None else iter(noise)
        u_N = []
        for i in range(steps):
            xi = None if noise is None else next(noise)
            self.step(x, target, taught, learn and i >= lag, xi)
            u_N.append(self.u[self.N])
        return np.mean(u_N[steps - max(1, round(last / self.dt)) :], axis=0)

    def test(self, inputs, last):
        """The read-out of every input; the circuit is afterwards as it was."""
        states = copy.deepcopy((self.u, self.uI, self.vB, self.vA, self.vI))
        kept = self.r_0, self.u_target, self.D
        found = np.array([self.present(x, learn=False, last=last) for x in inputs])
        self.u, self.uI, self.vB, self.vA, self.vI = states
        self.r_0, self.u_target, self.D = kept
        return found

    # Section 2.5: the two-step dynamics. Examples are rows, and so the potentials are left as rows,
    # which the continuous dynamics do not go on from.

    def two_step(self, x, target=None, passes=1):
        """Leaves the potentials in u, uI, vB, vA, vI; returns u_N as it was before any target."""
        r = {0: np.atleast_2d(np.asarray(x, float))}
        u, uI, rI, vB, vA, vI = {}, {}, {}, {}, {}, {}
        for i in range(passes):
            for k in range(1, self.N + 1):
                vB[k] = self.v_B(k, r)
                u[k] = self.a[k] * vB[k]
                if i > 0 and k < self.N:
                    u[k] = u[k] + self.lam[k] * vA[k]  # r_{k+1} and rI_k are as when v_A was found
                r[k] = self.phi(u[k])
                if k < self.N:
                    vI[k] = self.v_I(k, r)
            untaught = u[self.N]
            if target is not None:
                u[self.N] = (1.0 - self.lam[self.N]) * u[self.N] + self.lam[self.N] * target
                r[self.N] = self.phi(u[self.N])
            for k in reversed(self.hidden):
                uI[k] = (1.0 - self.lam_I) * self.a_I * vI[k] + self.lam_I * u[k + 1]
                rI[k] = self.phi(uI[k])
                vA[k] = self.v_A(k, r, rI)
                u[k] = self.a[k] * vB[k] + self.lam[k] * vA[k]
                r[k] = self.phi(u[k])
        self.r_0, self.u, self.uI, self.vB, self.vA, self.vI = r[0], u, uI, vB, vA, vI
        return untaught

    def two_step_products(self):
        """Means over the examples of what two_step has left."""
        r = {0: self.r_0} | {k: self.phi(self.u[k]) for k in self.u}
        rI = {k: self.phi(self.uI[k]) for k in self.uI}
        found = self.products(r, rI, self.vB, self.vA, self.vI)
        return {i: product / len(self.r_0) for i, product in found.items()}

    def learn_two_step(self, x, target, passes=1):
        untaught = self.two_step(x, target, passes)
        self.change(self.two_step_products())
        return untaught

    # Section 2.6: weak feedback, and the reference

    def gain(self):
        gain = {self.N: self.lam[self.N]}
        for k in reversed(self.hidden):
            gain[k] = gain[k + 1] * self.lam[k] * (1.0 - self.lam_I) / self.a[k + 1]
        return gain

    def feedforward(self, x):
        """The net u_k = a_k v_B,k."""
        u, r = {}, {0: np.atleast_2d(np.asarray(x, float))}
        for k in range(1, self.N + 1):
            u[k] = self.a[k] * self.v_B(k, r)
            r[k] = self.phi(u[k])
        return u, r

    def backprop(self, x, target):
        """Minus the gradient by a_k W_k, from phi'(u_N) (target - u_N); mean over the examples."""
        u, r = self.feedforward(x)
        delta = self.slope(u[self.N]) * (target - u[self.N])
        found = {}
        for k in range(self.N, 0, -1):
            found["W", k] = self.with_bias(r[k - 1]).T @ delta / len(delta)
            if k > 1:
                down = (self.a[k] * self.W[k][:-1]).T
                delta = self.slope(u[k - 1]) * (delta @ down)
        return found

    def learn_backprop(self, x, target):
        self.change(self.backprop(x, target))
