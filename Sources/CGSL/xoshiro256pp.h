// xoshiro256++ within the target. Source: Blackman and Vigna (2021), ACM TOMS 47:4.
#pragma once
#include <stdint.h>

typedef struct { uint64_t s[4]; } xoshiro_state;

static inline uint64_t rotl(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }

static inline uint64_t next(xoshiro_state *x) {
  uint64_t *s = x->s;
  const uint64_t result = rotl(s[0] + s[3], 23) + s[0];
  const uint64_t t = s[1] << 17;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= t;
  s[3] = rotl(s[3], 45);
  return result;
}

static inline double next_double(xoshiro_state *x) { return (double)(next(x) >> 11) * 0x1.0p-53; }
