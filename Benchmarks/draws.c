// The floor: the random draws of Benchmarks/scenarios/five-draws.yaml alone, by GSL in a bare C loop with the
// workbench's own generator (xoshiro256++ as a gsl_rng_type) and ziggurat normals. Prints ns of CPU time a request.
#include "CGSL.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int main(int argc, char **argv) {
  long n = argc > 1 ? atol(argv[1]) : 20000000;
  uint64_t seeds[4][4] = {{1, 2, 3, 4}, {5, 6, 7, 8}, {9, 10, 11, 12}, {13, 14, 15, 16}};
  gsl_rng *arrivals = wb_stream_alloc(seeds[0]), *tokens = wb_stream_alloc(seeds[1]);
  gsl_rng *service = wb_stream_alloc(seeds[2]), *failures = wb_stream_alloc(seeds[3]);
  double sum = 0;
  clock_t start = clock();
  for (long i = 0; i < n; i++) {
    sum += -log1p(-wb_stream_uniform(arrivals));
    sum += exp(5.99 + gsl_ran_gaussian_ziggurat(tokens, 0.8));
    sum += exp(4.6 + gsl_ran_gaussian_ziggurat(tokens, 0.6));
    sum += exp(11.9 + gsl_ran_gaussian_ziggurat(service, 0.4));
    sum += wb_stream_uniform(failures) < 0.002;
  }
  double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
  printf("{\"requests\": %ld, \"nsPerRequest\": %.2f, \"checksum\": %.6g}\n", n, seconds / n * 1e9, sum / n);
  return 0;
}
