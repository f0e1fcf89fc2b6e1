// CUBA and COBA (Brette et al. 2007): all cells in one population, one pass over them in each step.
//
//     tau dv/dt = rest - v + I_exc + I_inh                               CUBA, exact           (1)
//     tau dv/dt = rest - v + g_exc (E_exc - v) + g_inh (E_inh - v)       COBA, g held in a step (2)
//     tau_x dx/dt = -x,   x <- x + weight_x after a spike of a cell of kind x                  (3)
//
// v > threshold is a spike; v is then held at V_reset for the refractory period.

#include <algorithm>

#include "common.hpp"

struct Constants {
    float rest, threshold, V_reset, refractory_steps, decay_exc, decay_inh;
    float decay, from_exc, from_inh;  // of (1)
    float dt_by_tau, E_exc, E_inh;    // of (2)
    float weight_exc, weight_inh;
};

struct Currents {
    static Floats advance(Floats v, Floats exc, Floats inh, const Constants& p) {
        return p.rest + p.decay * (v - p.rest) + p.from_exc * exc + p.from_inh * inh;
    }
};

struct Conductances {
    static Floats advance(Floats v, Floats exc, Floats inh, const Constants& p) {
        Floats total = 1.0f + exc + inh;
        Floats target = (p.rest + exc * p.E_exc + inh * p.E_inh) / total;
        return target + exp(-p.dt_by_tau * total) * (v - target);
    }
};

struct Cells {
    float *v, *exc, *inh, *left;  // `left`: for how many steps v is still held
};

// The synapses of cell i are those from start[i] up to start[i + 1].
struct Synapses {
    const int64_t* start;
    const uint16_t* target;
};

static void deliver(const int32_t* list, int64_t length, Synapses synapses, float weight,
                    float* input) {
    for (int64_t k = 0; k < length; k++) {
        for (int64_t e = synapses.start[list[k]]; e < synapses.start[list[k] + 1]; e++) {
            input[synapses.target[e]] += weight;
        }
    }
}

template <class Voltage>
static int64_t run(int64_t steps, int64_t n, int64_t n_exc, const Constants p, const Cells cells,
                   Synapses synapses, int32_t* list, int64_t* length, int32_t* spike_step,
                   int32_t* spike_cell) {
    FlushToZero flushing;
    const Floats zero = all(0.0f), reset = all(p.V_reset), hold = all(p.refractory_steps);
    int64_t spikes = 0, listed = *length;
    for (int64_t t = 0; t < steps; t++) {
        int64_t excitatory = std::lower_bound(list, list + listed, n_exc) - list;
        deliver(list, excitatory, synapses, p.weight_exc, cells.exc);
        deliver(list + excitatory, listed - excitatory, synapses, p.weight_inh, cells.inh);
        listed = 0;
        for (int64_t i = 0; i < n; i += LANES) {
            Floats left = at(cells.left + i), exc = at(cells.exc + i), inh = at(cells.inh + i);
            Floats v = Voltage::advance(at(cells.v + i), exc, inh, p);
            Ints is_free = left == zero;
            v = is_free ? v : reset;
            Ints fires = is_free & (v > p.threshold);
            at(cells.v + i) = fires ? reset : v;
            at(cells.left + i) = fires ? hold : is_free ? zero : left - 1.0f;
            at(cells.exc + i) = exc * p.decay_exc;
            at(cells.inh + i) = inh * p.decay_inh;
            listed = append_few(fires, i, list, listed);
        }
        for (int64_t k = 0; k < listed; k++, spikes++) {
            spike_step[spikes] = int32_t(t);
            spike_cell[spikes] = list[k];
        }
    }
    *length = listed;
    return spikes;
}

// `n` is the number of cells, rounded up to whole vectors; `list` holds the `length` cells that
// spiked in the last step, ascending. Returns how many spikes were recorded.
extern "C" int64_t balanced(int64_t is_coba, int64_t steps, int64_t n, int64_t n_exc,
                            const Constants* p, float* v, float* exc, float* inh, float* left,
                            const int64_t* start, const uint16_t* target, int32_t* list,
                            int64_t* length, int32_t* spike_step, int32_t* spike_cell) {
    auto simulate = is_coba ? run<Conductances> : run<Currents>;
    return simulate(steps, n, n_exc, *p, {v, exc, inh, left}, {start, target}, list, length,
                    spike_step, spike_cell);
}
