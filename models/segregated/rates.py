"""The segregated-dendrite network without spikes: a PSP is the rate itself, somata are at rest.

hidden   V = k_B V_B;     output   V = k_D V_B,  in the forward phase                    (13)
V = (g_D V_B + g_E E_E + g_I E_I) / (g_L + g_D + g_E + g_I),  in the target phase        (14)
"""

from spikesim.kernels.functions import real, sigmoid
from spikesim.kernels.trials import PHASE, SECOND, TRIAL
from spikesim.kernels.windows import at_start_of_trial
from spikesim.learning.layers import Brightness


def show(i, t, s, p):
    s.PSP[i] = p.brightness * real(s.image[s.example[s.clock[TRIAL]], i])


def drive(_, t, s, p):
    """V_B = W PSP(below) + b."""
    for j in range(s.V_B.shape[0]):
        s.V_B[j] = s.b[j]
    for i in range(s.PSP_below.shape[0]):
        x = s.PSP_below[i]
        if x != 0.0:
            for j in range(s.V_B.shape[0]):
                s.V_B[j] += s.W[i, j] * x


def settle_hidden(i, t, s, p):
    """(13)."""
    s.V[i] = p.k_B * s.V_B[i]
    s.PSP[i] = p.phi_max * sigmoid(s.V[i])


def settle_output(i, t, s, p):
    """(13), and (14) with g_E + g_I = g_T = 1 while there is a teacher."""
    g_T = 1.0 if s.clock[PHASE] == SECOND else 0.0
    g_E = s.wanted[s.example[s.clock[TRIAL]], i // p.units_per_class]
    drive = p.g_D * s.V_B[i] + g_T * (g_E * p.E_E + (1.0 - g_E) * p.E_I)
    s.V[i] = drive / (p.g_L + p.g_D + g_T)
    s.phi[i] = p.phi_max * sigmoid(s.V[i])
    s.PSP[i] = s.phi[i]


def arrays(layer):
    names = ["PSP", *([] if layer.is_input else ["V", "V_B"]), *["phi"] * layer.is_output]
    return dict.fromkeys(names, layer.n)


def step(net):
    yield net.input.phase(show, when=at_start_of_trial, brightness=Brightness(net.p.phi_max))
    for layer in net.above_input:
        yield layer.phase(drive, "once")
        yield layer.phase(settle_output if layer.is_output else settle_hidden)
