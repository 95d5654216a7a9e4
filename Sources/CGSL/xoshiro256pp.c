#include "CGSL.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

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

static unsigned long get(void *state) { return next(state); }
static double get_double(void *state) { return next_double(state); }

// GSL's own way to seed; streams are seeded whole by wb_stream_alloc. SplitMix64 spreads the seed.
static void set(void *state, unsigned long seed) {
  xoshiro_state *x = state;
  uint64_t z = seed;
  for (int i = 0; i < 4; i++) {
    z += 0x9e3779b97f4a7c15ULL;
    uint64_t y = z;
    y = (y ^ (y >> 30)) * 0xbf58476d1ce4e5b9ULL;
    y = (y ^ (y >> 27)) * 0x94d049bb133111ebULL;
    x->s[i] = y ^ (y >> 31);
  }
}

static const gsl_rng_type xoshiro256pp = {
    "xoshiro256++", UINT64_MAX, 0, sizeof(xoshiro_state), set, get, get_double};

gsl_rng *wb_stream_alloc(const uint64_t state[4]) {
  gsl_rng *stream = gsl_rng_alloc(&xoshiro256pp);
  if (stream == NULL) return NULL;
  memcpy(gsl_rng_state(stream), state, sizeof(xoshiro_state));
  return stream;
}

double wb_stream_uniform(gsl_rng *stream) { return next_double(stream->state); }

double wb_stream_exponential(gsl_rng *stream) { return -log1p(-next_double(stream->state)); }
