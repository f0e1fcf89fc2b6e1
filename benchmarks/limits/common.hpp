// What the programs of limits.py share: vectors, lists of spikes, and how tiny numbers are treated.
#pragma once

#include <cstdint>
#include <cstring>
#if defined(__SSE__)
#include <xmmintrin.h>
#endif

// Several numbers in one register, by an extension of C++ that GCC and Clang have: operators and
// `condition ? a : b` work on all of them. Compilers turn loops with conditions into slower code.
#if defined(__AVX512F__)
constexpr int BYTES = 64;
#elif defined(__AVX__)
constexpr int BYTES = 32;
#else
constexpr int BYTES = 16;
#endif
constexpr int LANES = BYTES / 4;
typedef float Floats __attribute__((vector_size(BYTES), may_alias));
typedef int32_t Ints __attribute__((vector_size(BYTES), may_alias));
typedef int8_t Flags __attribute__((vector_size(LANES)));

inline Floats all(float x) { return x - Floats{}; }

inline Floats& at(float* x) { return *reinterpret_cast<Floats*>(x); }  // x is aligned

// exp of numbers from -87 to 88, to two units in the last place: 2^k (k whole) times a polynomial.
inline Floats exp(Floats x) {
    const Floats half = all(0.5f);
    Floats y = x * 1.44269504f;
    Ints k = __builtin_convertvector(y + (y < 0.0f ? -half : half), Ints);
    Floats f = (y - __builtin_convertvector(k, Floats)) * 0.693147181f;
    Floats p = 1.0f + f * (1.0f + f * (0.5f + f * (1.0f / 6 + f * (1.0f / 24 + f * (1.0f / 120 +
               f * (1.0f / 720))))));
    return (Floats)((Ints)p + (k << 23));
}

// Which of up to eight lanes from `lane` on are set: a byte for each, 1 or 0.
inline uint64_t bytes_of(Flags flags, int lane) {
    uint64_t bytes = 0;
    std::memcpy(&bytes, reinterpret_cast<char*>(&flags) + lane, LANES < 8 ? LANES : 8);
    return bytes & 0x0101010101010101;
}

// Append the numbers of the lanes that are set, counted from `first`, to a list; return its length.
// `append_few` is for lanes that are hardly ever set; `append` has no branches, and writes up to
// eight numbers beyond the new end of the list.
inline int64_t append_few(Ints is_set, int64_t first, int32_t* list, int64_t length) {
    Flags flags = __builtin_convertvector(is_set, Flags);
    for (int lane = 0; lane < LANES; lane += 8) {
        for (uint64_t bytes = bytes_of(flags, lane); bytes != 0; bytes &= bytes - 1) {
            list[length++] = int32_t(first + lane + __builtin_ctzll(bytes) / 8);
        }
    }
    return length;
}

typedef int32_t Eight __attribute__((vector_size(32)));

struct SetBits {  // of each byte, in ascending order
    int32_t of[256][8] = {};
    SetBits() {
        for (int byte = 0; byte < 256; byte++) {
            for (int bit = 0, found = 0; bit < 8; bit++) {
                if (byte >> bit & 1) {
                    of[byte][found++] = bit;
                }
            }
        }
    }
};
inline const SetBits SET_BITS;

inline int64_t append(Ints is_set, int64_t first, int32_t* list, int64_t length) {
    Flags flags = __builtin_convertvector(is_set, Flags);
    for (int lane = 0; lane < LANES; lane += 8) {
        uint64_t byte = bytes_of(flags, lane) * 0x0102040810204080 >> 56;  // bit k is byte k
        Eight set;
        std::memcpy(&set, SET_BITS.of[byte], sizeof set);
        set += int32_t(first) + lane;
        std::memcpy(list + length, &set, sizeof set);
        length += __builtin_popcountll(byte);
    }
    return length;
}

// Inside its scope, numbers too small for full precision become 0: processors are slow with them.
struct FlushToZero {
#if defined(__SSE__)
    unsigned int before = _mm_getcsr();
    FlushToZero() { _mm_setcsr(before | 0x8000); }
    ~FlushToZero() { _mm_setcsr(before); }
#endif
};
