// exp and log for the draws of a block of requests: without branches or calls, so that compilers make vectors of them,
// and of IEEE 754's basic operations only, none fused, so that every machine gives the same bits (libm picks its
// implementation by processor). Errors are below one unit in the last place.
#pragma once
#include <stdint.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF

static inline double wb_from_bits(uint64_t bits) {
  double x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

static inline uint64_t wb_to_bits(double x) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

// Adding it leaves a number's nearest integer in the low bits. Source: Hecker (1996); also in CORE-MATH.
#define WB_SHIFT 0x1.8p52
// ln 2 in two parts; the first has 32 significant bits, so that its products with exponents are exact.
#define WB_LN2_HIGH 0x1.62e42feep-1
#define WB_LN2_LOW 0x1.a39ef35793c76p-33

// e^x for |x| < 700: by powers of two and a Taylor series on |r| ≤ ln 2 / 2, whose rest is below 2^-57.
// Source: Muller (2016), "Elementary Functions", 3rd edition, section 11.1 (Cody and Waite's reduction).
static inline double wb_exp_core(double x) {
  const double shifted = x * 0x1.71547652b82fep0 + WB_SHIFT;
  const double k = shifted - WB_SHIFT;
  const double r = (x - k * WB_LN2_HIGH) - k * WB_LN2_LOW;
  double p = 1.0 / 6227020800;
  p = p * r + 1.0 / 479001600;
  p = p * r + 1.0 / 39916800;
  p = p * r + 1.0 / 3628800;
  p = p * r + 1.0 / 362880;
  p = p * r + 1.0 / 40320;
  p = p * r + 1.0 / 5040;
  p = p * r + 1.0 / 720;
  p = p * r + 1.0 / 120;
  p = p * r + 1.0 / 24;
  p = p * r + 1.0 / 6;
  p = p * r + 0.5;
  const double e = 1 + (r + r * r * p);
  return wb_from_bits(wb_to_bits(e) + (wb_to_bits(shifted) << 52));
}

// ln y for normal y > 0: by the exponent and 2 artanh(f / (2 + f)) as a series on mantissas between √½ and √2.
// Source: Muller (2016), section 4.2; f − (f²/2 − s (f²/2 + R)) as in fdlibm, which keeps what is near 0 exact.
static inline double wb_log_core(double y) {
  const uint64_t half = 0x3fe6a09e667f3bcd; // √½
  const uint64_t above = wb_to_bits(y) - half;
  // The exponent as a double without a conversion, which not all vector units have.
  const double k = wb_from_bits((above >> 52) ^ 0x4338000000000800) - (WB_SHIFT + 2048);
  const double f = wb_from_bits((above & 0xfffffffffffff) + half) - 1;
  const double s = f / (2 + f);
  const double z = s * s;
  double p = 2.0 / 23;
  p = p * z + 2.0 / 21;
  p = p * z + 2.0 / 19;
  p = p * z + 2.0 / 17;
  p = p * z + 2.0 / 15;
  p = p * z + 2.0 / 13;
  p = p * z + 2.0 / 11;
  p = p * z + 2.0 / 9;
  p = p * z + 2.0 / 7;
  p = p * z + 2.0 / 5;
  p = p * z + 2.0 / 3;
  const double square = 0.5 * f * f;
  return k * WB_LN2_HIGH - ((square - (s * (square + p * z) + k * WB_LN2_LOW)) - f);
}
