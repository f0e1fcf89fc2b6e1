// Online training of the network with segregated dendrites (Guerguiev, Lillicrap & Richards 2017),
// 784-500-10. Numbers of equations are those of models/segregated/network.py; a step is 1 ms.
//
// A PSP is (exp(-t / 10) - exp(-t / 3)) / 7, up to t = 10. What weights do to it is one sum of rows
// of W per step, A, and two recursions, for t_0 = 10 and 3 with a = exp(-1 / t_0):
//
//     x <- a (x + A(now) - a^10 A(10 steps ago)),    V_B = b + (x_10 - x_3) / 7

#include <cmath>

#include "common.hpp"

constexpr int64_t PIXELS = 784, HIDDEN = 500, CLASSES = 10;
constexpr int64_t WIDE = 512, NARROW = 16;  // rows of both layers, filled up to whole vectors
constexpr int64_t MEMORY = 10, WINDOW = 20, SLOTS = 16;
constexpr float PHI_MAX = 0.2f, G_L = 0.1f, G_B = 0.6f, ATTENUATION = G_B / (G_B + G_L);
constexpr float ETA_HIDDEN = 0.21f * 20 / PHI_MAX, ETA_OUT = 0.21f * 20 / (PHI_MAX * PHI_MAX);

static Floats sigmoid(Floats x) { return 1.0f / (1.0f + exp(-x)); }
static Floats slope(Floats x) { return sigmoid(x) * (1.0f - sigmoid(x)); }

// The lists of spikes of the last steps; a neuron with two spikes is listed twice.
struct Lists {
    int32_t id[SLOTS][4096];
    int64_t length[SLOTS] = {};
};

// Four random numbers from 0 to 1 for each of `blocks` blocks, u[k][block]: Philox4x32-10, for N
// blocks at a time.
template <int N>
static void draw(float* u, int64_t blocks, uint32_t t, uint32_t stream) {
    for (int64_t first = 0; first < blocks; first += N) {
        uint32_t a[N], b[N], c[N], d[N], key_0 = 123, key_1 = 456;
        for (int i = 0; i < N; i++) {
            a[i] = uint32_t(first + i), b[i] = t, c[i] = 0, d[i] = stream;
        }
        for (int round = 0; round < 10; round++, key_0 += 0x9E3779B9, key_1 += 0xBB67AE85) {
#pragma GCC unroll 1  // unrolled first, it would not become a loop of vectors
            for (int i = 0; i < N; i++) {
                uint64_t p = uint64_t(a[i]) * 0xD2511F53, q = uint64_t(c[i]) * 0xCD9E8D57;
                a[i] = uint32_t(q >> 32) ^ b[i] ^ key_0;
                c[i] = uint32_t(p >> 32) ^ d[i] ^ key_1;
                b[i] = uint32_t(q);
                d[i] = uint32_t(p);
            }
        }
        for (int i = 0; i < N; i++) {
            constexpr float SCALE = 1.0f / (1 << 24);
            u[first + i] = float(int32_t(a[i] >> 8)) * SCALE;
            u[blocks + first + i] = float(int32_t(b[i] >> 8)) * SCALE;
            u[2 * blocks + first + i] = float(int32_t(c[i] >> 8)) * SCALE;
            u[3 * blocks + first + i] = float(int32_t(d[i] >> 8)) * SCALE;
        }
    }
}

// The chances of more than 0, 1 and 2 Poisson spikes.
struct Chances {
    Floats above[3];
};

static Chances chances(Floats rate) {
    Floats none = exp(-rate);
    Floats one = none * rate;
    return {{1.0f - none, 1.0f - none - one, 1.0f - none - one - one * rate * 0.5f}};
}

// Append the lanes that spike, once for each spike.
static int64_t append_spikes(Floats u, const Chances& chances, int64_t first, int32_t* list,
                             int64_t length) {
    length = append(u < chances.above[0], first, list, length);
    length = append_few(u < chances.above[1], first, list, length);
    return append_few(u < chances.above[2], first, list, length);
}

// Basal dendrites of a layer with rows of N.
template <int64_t N>
struct Dendrites {
    static constexpr int64_t PART = N < 4 * LANES ? N : 4 * LANES;  // columns kept in registers
    alignas(64) float sums[MEMORY][N] = {}, slow[N] = {}, fast[N] = {};

    // Add the rows of `W` of a list of spikes at step t; `each(j, V_B)` gets the new voltages.
    template <class Each>
    void advance(uint32_t t, const int32_t* list, int64_t length, float* W, float* b, Each each) {
        const float keep_slow = std::exp(-1.0f / 10), keep_fast = std::exp(-1.0f / 3);
        const float end_slow = std::exp(-1.0f), end_fast = std::exp(-10.0f / 3);
        float* old = sums[t % MEMORY];
        for (int64_t first = 0; first < N; first += PART) {
            Floats sum[PART / LANES] = {};
            for (int64_t k = 0; k < length; k++) {
                float* row = W + list[k] * N + first;
                for (int64_t part = 0; part < PART / LANES; part++) {
                    sum[part] += at(row + part * LANES);
                }
            }
            for (int64_t part = 0; part < PART / LANES; part++) {
                int64_t j = first + part * LANES;
                Floats before = at(old + j), now = sum[part];
                at(old + j) = now;
                at(slow + j) = keep_slow * (at(slow + j) + now - end_slow * before);
                at(fast + j) = keep_fast * (at(fast + j) + now - end_fast * before);
                each(j, at(b + j) + (at(slow + j) - at(fast + j)) * (1.0f / 7));
            }
        }
    }

    // The same numbers, had the weights always been what they are now; t is the next step.
    void weights_changed(uint32_t t, const Lists& lists, float* W, float* b) {
        std::memset(this, 0, sizeof *this);
        for (uint32_t back = MEMORY; back > 0; back--) {
            int64_t slot = (t - back) % SLOTS;
            advance(t - back, lists.id[slot], lists.length[slot], W, b, [](int64_t, Floats) {});
        }
    }
};

// The share of one PSP in the mean of a window, of a spike with `togo` steps to the window's end.
struct Shares {
    float of[WINDOW + MEMORY];
    Shares() {
        for (int64_t togo = 0; togo < WINDOW + MEMORY; togo++) {
            double sum = 0.0;
            for (int64_t age = 1; age <= MEMORY; age++) {
                int64_t left = togo - (age - 1);
                if (left >= 0 && left < WINDOW) {
                    sum += (std::exp(-age / 10.0) - std::exp(-age / 3.0)) / 7.0;
                }
            }
            of[togo] = float(sum / WINDOW);
        }
    }
    void add(int64_t togo, const int32_t* list, int64_t length, float* means) const {
        for (int64_t k = 0; togo >= 0 && togo < WINDOW + MEMORY && k < length; k++) {
            means[list[k]] += of[togo];
        }
    }
};

struct Means {  // over the windows of the phases of one example
    alignas(64) float V_hidden[WIDE], V_out[NARROW], phi[NARROW], feedback[2][NARROW];
    alignas(64) float PSP_pixels[PIXELS], PSP_hidden[WIDE];
};

struct Network {
    float *W, *b, *W_out, *b_out, *Y;  // Y is [class][hidden neuron]
    Dendrites<WIDE> hidden;
    Dendrites<NARROW> out;
    Lists pixel_lists, hidden_lists;
    alignas(64) float V[WIDE] = {}, V_out[NARROW] = {}, phi[NARROW] = {}, u[4 * WIDE];
    Shares shares;
    Means means;
    // The pixels of this image that are not black, and their chances.
    Chances pixel_chances[1024 / LANES];
    int32_t pixel[1024];
    int64_t lit = 0;
    uint32_t t = SLOTS;

    void show(const uint8_t* image) {
        alignas(64) float rate[1024];
        lit = 0;
        for (int64_t i = 0; i < PIXELS; i++) {
            if (image[i] > 0) {
                rate[lit] = image[i] * (PHI_MAX / 255);
                pixel[lit++] = int32_t(i);
            }
        }
        for (int64_t k = lit; k % LANES != 0; k++) {
            rate[k] = 0.0f;
        }
        for (int64_t k = 0; k < lit; k += LANES) {
            pixel_chances[k / LANES] = chances(at(rate + k));
        }
    }

    int64_t list_pixels(int32_t* list) {
        int64_t blocks = (lit + 127) / 128 * 32, length = 0;
        draw<32>(u, blocks, t, 0);
        for (int64_t k = 0; k < lit; k += LANES) {
            length = append_spikes(at(u + k), pixel_chances[k / LANES], k, list, length);
        }
        for (int64_t k = 0; k < length; k++) {
            list[k] = pixel[list[k]];
        }
        return length;
    }

    // (4) of the hidden neurons whose numbers are low enough for a spike at the highest rate.
    int64_t list_hidden(int32_t* list) {
        const float bound = 1.0f - std::exp(-PHI_MAX);
        alignas(64) float V_found[WIDE + LANES], u_found[WIDE + LANES];
        int32_t found[WIDE + 8];
        draw<32>(u, WIDE / 4, t, 1);
        for (int64_t j = HIDDEN; j < WIDE; j++) {
            u[j] = 1.0f;
        }
        int64_t size = 0, length = 0;
        for (int64_t j = 0; j < WIDE; j += LANES) {
            size = append(at(u + j) < bound, j, found, size);
        }
        for (int64_t k = 0; k < size; k++) {
            V_found[k] = V[found[k]];
            u_found[k] = u[found[k]];
        }
        for (int64_t k = size; k % LANES != 0; k++) {
            V_found[k] = 0.0f, u_found[k] = 1.0f;
        }
        for (int64_t k = 0; k < size; k += LANES) {
            Floats rate = PHI_MAX * sigmoid(at(V_found + k));
            length = append_spikes(at(u_found + k), chances(rate), k, list, length);
        }
        for (int64_t k = 0; k < length; k++) {
            list[k] = found[list[k]];
        }
        return length;
    }

    int64_t list_out(int32_t* list) {
        draw<16>(u, 16, t, 2);
        for (int64_t j = CLASSES; j < NARROW; j++) {
            u[j] = 1.0f;
        }
        int64_t length = 0;
        for (int64_t j = 0; j < NARROW; j += LANES) {
            length = append_spikes(at(u + j), chances(at(phi + j)), j, list, length);
        }
        return length;
    }

    void step(bool is_target, int64_t togo, float* taught) {
        int64_t slot = t % SLOTS;
        int32_t out_list[3 * NARROW + 8];
        bool counts = togo < WINDOW;
        const float share = 1.0f / WINDOW;
        int32_t *pixels = pixel_lists.id[slot], *cells = hidden_lists.id[slot];
        int64_t n_pixels = pixel_lists.length[slot] = list_pixels(pixels);
        hidden.advance(t, pixels, n_pixels, W, b, [&](int64_t j, Floats V_B) {  // (1)
            at(V + j) += -G_L * at(V + j) + G_B * (V_B - at(V + j));
            if (counts && !is_target) {
                at(means.V_hidden + j) += at(V + j) * share;
            }
        });
        int64_t n_cells = hidden_lists.length[slot] = list_hidden(cells);
        out.advance(t, cells, n_cells, W_out, b_out, [&](int64_t j, Floats V_B) {  // (2), (3)
            Floats v = at(V_out + j), g_E = at(taught + j), I = all(0.0f);
            if (is_target) {
                I = g_E * (8.0f - v) + (1.0f - g_E) * (-8.0f - v);
            }
            at(V_out + j) = v = v - G_L * v + G_B * (V_B - v) + I;
            at(phi + j) = PHI_MAX * sigmoid(v);
            if (counts) {
                (is_target ? at(means.phi + j) : at(means.V_out + j)) +=
                    (is_target ? at(phi + j) : v) * share;
            }
        });
        if (!is_target) {
            shares.add(togo, pixels, n_pixels, means.PSP_pixels);
            shares.add(togo, cells, n_cells, means.PSP_hidden);
        }
        int64_t n_out = list_out(out_list);
        shares.add(togo - 1, out_list, n_out, means.feedback[is_target]);  // a step later
        t++;
    }

    int64_t answer() const {
        int64_t best = 0;
        for (int64_t c = 1; c < CLASSES; c++) {
            best = means.V_out[c] > means.V_out[best] ? c : best;
        }
        return best;
    }

    void learn() {
        alignas(64) float E[WIDE], E_out[NARROW];
        for (int64_t j = 0; j < NARROW; j += LANES) {  // (6)
            Floats v = at(means.V_out + j), difference = at(means.phi + j) - PHI_MAX * sigmoid(v);
            at(E_out + j) = -difference * ATTENUATION * PHI_MAX * slope(v);
        }
        for (int64_t j = 0; j < WIDE; j += LANES) {  // (5), (7)
            Floats V_A[2] = {};
            for (int64_t c = 0; c < CLASSES; c++) {
                V_A[0] += at(Y + c * WIDE + j) * means.feedback[0][c];
                V_A[1] += at(Y + c * WIDE + j) * means.feedback[1][c];
            }
            Floats difference = sigmoid(V_A[1]) - sigmoid(V_A[0]);
            at(E + j) = -difference * ATTENUATION * PHI_MAX * slope(at(means.V_hidden + j));
        }
        follow<WIDE>(W, b, E, ETA_HIDDEN, means.PSP_pixels, PIXELS);  // (8)
        follow<NARROW>(W_out, b_out, E_out, ETA_OUT, means.PSP_hidden, HIDDEN);
    }

    template <int64_t N>
    static void follow(float* W, float* b, float* E, float eta, const float* PSP, int64_t rows) {
        for (int64_t i = 0; i < rows; i++) {
            for (int64_t j = 0; PSP[i] != 0.0f && j < N; j += LANES) {
                at(W + i * N + j) -= at(E + j) * (eta * PSP[i]);
            }
        }
        for (int64_t j = 0; j < N; j += LANES) {
            at(b + j) -= at(E + j) * eta;
        }
    }
};

// Train with images [example][pixel], whose phases have `lengths` steps [example][2]. Returns how
// many images were recognised before they were learned.
extern "C" int64_t segregated(int64_t examples, const uint8_t* images, const uint8_t* labels,
                              const int64_t* lengths, float* W, float* b, float* W_out,
                              float* b_out, float* Y) {
    FlushToZero flushing;
    static Network net;
    net = Network();
    net.W = W, net.b = b, net.W_out = W_out, net.b_out = b_out, net.Y = Y;
    int64_t right = 0;
    for (int64_t k = 0; k < examples; k++) {
        alignas(64) float taught[NARROW] = {};
        taught[labels[k]] = 1.0f;
        net.show(images + k * PIXELS);
        net.means = Means{};
        net.hidden.weights_changed(net.t, net.pixel_lists, W, b);
        net.out.weights_changed(net.t, net.hidden_lists, W_out, b_out);
        for (int phase = 0; phase < 2; phase++) {
            for (int64_t togo = lengths[2 * k + phase] - 1; togo >= 0; togo--) {
                net.step(phase == 1, togo, taught);
            }
        }
        right += net.answer() == labels[k];
        net.learn();
    }
    return right;
}
