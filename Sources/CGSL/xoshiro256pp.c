#include "CGSL.h"
#include "elementary.h"
#include "xoshiro256pp.h"
#include <stdlib.h>
#include <string.h>

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

double wb_stream_exponential(gsl_rng *stream) { return -wb_log_core(1 - next_double(stream->state)); }
