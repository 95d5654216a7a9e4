// Draws of a block of requests at once: the same values as one by one, without the calls between them.
#include "CGSL.h"
#include "elementary.h"
#include "xoshiro256pp.h"
#include <math.h>

// The loops over elementary functions in the widest vectors of the processor. Nothing is fused or reordered in any of
// them, so all give the same bits.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
// The linker chooses among clones before a sanitizer's runtime is there, which its instrumentation does not survive.
#define SANITIZED
#endif
#endif
#if defined(__x86_64__) && defined(__linux__) && !defined(SANITIZED)
#define WIDEST __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define WIDEST
#endif
// Several vectors at a time: a series is a chain of operations that wait for each other.
#if defined(__clang__)
#define SEVERAL _Pragma("clang loop interleave_count(4)")
#else
#define SEVERAL
#endif

double wb_exp(double x) {
  // Also for what is no number.
  return fabs(x) < 700 ? wb_exp_core(x) : exp(x);
}

enum { chunk = 64 };

WIDEST static void exponentials(double *restrict out, const double *restrict in, size_t count) {
  SEVERAL for (size_t i = 0; i < count; i++) out[i] = wb_exp_core(in[i]);
}

void wb_lognormals(double *values, size_t count, double mu, double sigma) {
  double exponents[chunk];
  for (size_t start = 0; start < count; start += chunk) {
    double *part = values + start;
    size_t size = count - start < chunk ? count - start : chunk;
    for (size_t i = 0; i < size; i++) exponents[i] = mu + sigma * part[i];
    exponentials(part, exponents, size);
    // Beyond 1e±304.
    for (size_t i = 0; i < size; i++) {
      if (!(fabs(exponents[i]) < 700)) part[i] = exp(exponents[i]);
    }
  }
}

WIDEST void wb_exponentials(double *values, size_t count, double mean) {
  SEVERAL for (size_t i = 0; i < count; i++) values[i] = mean * -wb_log_core(1 - values[i]);
}

WIDEST void wb_whole(const double *restrict values, int32_t *restrict whole, size_t count) {
  for (size_t i = 0; i < count; i++) {
    double inside = values[i] > 0 ? values[i] : 0;
    inside = inside < 2147483000.0 ? inside : 2147483000.0;
    whole[i] = (int32_t)(inside + 0.5);
  }
}

void wb_stream_uniforms(gsl_rng *stream, double *values, size_t count) {
  xoshiro_state state = *(xoshiro_state *)stream->state;
  for (size_t i = 0; i < count; i++) values[i] = next_double(&state);
  *(xoshiro_state *)stream->state = state;
}

// The ziggurat of 256 layers of equal area. Source: Marsaglia and Tsang (2000), J. Statistical Software 5:8; with one
// 64-bit draw whose low bits choose the layer and the sign and whose high 53 bits the place, so that the two are
// independent (Doornik 2005, "An Improved Ziggurat Method to Generate Normal Random Samples").
enum { layers = 256 };

// Where the tail begins, and each layer's area: √(π/2) erfc(r/√2) + r f(r) with f(x) = exp(−x²/2).
static const double tail_start = 0x1.d3bb48209ad33p+1;
static const double layer_area = 0x1.43016a5a43732p-8;

static struct {
  // A place times its width lies in the layer; below the limit, also under the curve.
  double width[layers];
  uint64_t limit[layers];
  // f at the right border of each layer, and at 0.
  double height[layers + 1];
} ziggurat;

__attribute__((constructor)) static void build_ziggurat(void) {
  double border[layers + 1];
  border[0] = layer_area / wb_exp_core(-0.5 * tail_start * tail_start);
  border[1] = tail_start;
  for (int i = 2; i < layers; i++) {
    double height = wb_exp_core(-0.5 * border[i - 1] * border[i - 1]) + layer_area / border[i - 1];
    border[i] = sqrt(-2 * wb_log_core(height));
  }
  border[layers] = 0;
  for (int i = 0; i < layers; i++) {
    ziggurat.width[i] = border[i] * 0x1p-53;
    ziggurat.limit[i] = (uint64_t)(border[i + 1] / border[i] * 0x1p53);
    ziggurat.height[i] = wb_exp_core(-0.5 * border[i] * border[i]);
  }
  ziggurat.height[layers] = 1;
}

// Beyond the tail's start. Source: Marsaglia (1964), Technometrics 6:1.
static double tail(xoshiro_state *state) {
  for (;;) {
    double x = -wb_log_core(1 - next_double(state)) / tail_start;
    double y = -wb_log_core(1 - next_double(state));
    if (2 * y > x * x) return tail_start + x;
  }
}

// What falls between a layer's rectangles, about one draw of a hundred: 0 if it is to be drawn again.
__attribute__((noinline)) static double wedge(xoshiro_state *state, unsigned layer, double x) {
  if (layer == 0) return tail(state);
  double low = ziggurat.height[layer], high = ziggurat.height[layer + 1];
  return low + next_double(state) * (high - low) < wb_exp_core(-0.5 * x * x) ? x : 0;
}

static inline double normal(xoshiro_state *state) {
  for (;;) {
    uint64_t bits = next(state);
    unsigned layer = bits & (layers - 1);
    uint64_t place = bits >> 11;
    double x = (double)place * ziggurat.width[layer];
    if (__builtin_expect(place >= ziggurat.limit[layer], 0)) {
      x = wedge(state, layer, x);
      if (x == 0) continue;
    }
    return wb_from_bits(wb_to_bits(x) | (bits & layers) << 55);
  }
}

double wb_stream_normal(gsl_rng *stream) { return normal(stream->state); }

void wb_stream_normals(gsl_rng *stream, double *values, size_t count) {
  xoshiro_state state = *(xoshiro_state *)stream->state;
  for (size_t i = 0; i < count; i++) values[i] = normal(&state);
  *(xoshiro_state *)stream->state = state;
}
