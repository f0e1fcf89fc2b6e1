// The delivery of spikes, and nothing else: each synapse adds its weight to a row of a ring, which a
// later step takes out.

#include "common.hpp"

// Synapses have targets, delays in steps, and weights; the spikes of step t are those from first[t]
// up to first[t + 1] of `spikes`, the ring has the shape (rows, n), and sums get what arrives.
extern "C" void scatter(int64_t steps, int64_t n, int64_t rows, const int64_t* start,
                        const uint16_t* target, const uint8_t* delay, const float* weight,
                        const int64_t* first, const int32_t* spikes, float* ring, float* sums) {
    for (int64_t t = 0; t < steps; t++) {
        int64_t now = t % rows;
        for (int64_t k = first[t]; k < first[t + 1]; k++) {
            for (int64_t e = start[spikes[k]]; e < start[spikes[k] + 1]; e++) {
                int64_t row = now + delay[e];
                row = row < rows ? row : row - rows;
                ring[row * n + target[e]] += weight[e];
            }
        }
        float* __restrict arrived = ring + now * n;
        float* __restrict sum = sums;
        for (int64_t i = 0; i < n; i++) {
            sum[i] += arrived[i];
            arrived[i] = 0.0f;
        }
    }
}
