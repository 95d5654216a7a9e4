#include "CGSL.h"

gsl_multimin_fminimizer *wb_simplex_alloc(size_t dimensions) {
  return gsl_multimin_fminimizer_alloc(gsl_multimin_fminimizer_nmsimplex2, dimensions);
}
