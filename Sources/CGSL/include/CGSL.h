// GSL's headers, and what Swift cannot reach or should not touch: C globals and callbacks.
#pragma once
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_fit.h>
#include <gsl/gsl_integration.h>
#include <gsl/gsl_linalg.h>
#include <gsl/gsl_multimin.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <gsl/gsl_math.h>
#include <gsl/gsl_sf_erf.h>
#include <gsl/gsl_sf_exp.h>
#include <gsl/gsl_sf_gamma.h>
#include <gsl/gsl_sf_psi.h>
#include <gsl/gsl_statistics_double.h>
#include <stdint.h>

// xoshiro256++ (Blackman and Vigna 2021, "Scrambled linear pseudorandom number generators",
// ACM TOMS 47:4) as a gsl_rng_type. The state is four words; never all zero.
gsl_rng *wb_stream_alloc(const uint64_t state[4]);

// One draw without the indirection of gsl_rng_uniform: [0, 1), 53 bits.
double wb_stream_uniform(gsl_rng *stream);

// A standard exponential by inversion, -ln(1 - u): the algorithm of gsl_ran_exponential.
double wb_stream_exponential(gsl_rng *stream);

// A standard normal by the ziggurat method, as gsl_ran_gaussian_ziggurat, with 53 bits instead of 24.
double wb_stream_normal(gsl_rng *stream);

// e^x, the same bits on every machine, one by one and in blocks. Error below 1 ulp.
double wb_exp(double x);

// The next draws at once.
void wb_stream_uniforms(gsl_rng *stream, double *values, size_t count);
void wb_stream_normals(gsl_rng *stream, double *values, size_t count);

// What uniforms become: exponentials of a mean.
void wb_exponentials(double *values, size_t count, double mean);

// What standard normals become: lognormals.
void wb_lognormals(double *values, size_t count, double mu, double sigma);

// The nearest whole numbers, halves up, of 0 to 2,147,483,000; 0 of what is no number.
void wb_whole(const double *values, int32_t *whole, size_t count);

// Nelder and Mead's simplex; the type itself is a C global, which Swift takes for shared mutable state.
gsl_multimin_fminimizer *wb_simplex_alloc(size_t dimensions);
