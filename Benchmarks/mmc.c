// The C reference of M/M/8 at 80 % load: what a careful programmer would write for this one queue, with the workbench's
// own random streams. Prints ns of CPU time a customer.
#include "CGSL.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { servers = 8 };

int main(int argc, char **argv) {
  long n = argc > 1 ? atol(argv[1]) : 20000000;
  uint64_t seeds[2][4] = {{1, 2, 3, 4}, {5, 6, 7, 8}};
  gsl_rng *arrivals = wb_stream_alloc(seeds[0]), *service = wb_stream_alloc(seeds[1]);
  // First come, first served: a customer takes the server that is free first (Kiefer and Wolfowitz 1955).
  double free_at[servers] = {0}, now = 0, waited = 0, latency = 0;
  clock_t start = clock();
  for (long i = 0; i < n; i++) {
    now += wb_stream_exponential(arrivals) / 33.0;
    int first = 0;
    for (int s = 1; s < servers; s++)
      if (free_at[s] < free_at[first]) first = s;
    double begin = free_at[first] > now ? free_at[first] : now;
    free_at[first] = begin + wb_stream_exponential(service) * 0.193939393;
    waited += begin - now;
    latency += free_at[first] - now;
  }
  double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
  printf("{\"requests\": %ld, \"nsPerRequest\": %.2f, \"meanWaiting\": %.6g, \"meanLatency\": %.6g}\n", n,
         seconds / n * 1e9, waited / n, latency / n);
  return 0;
}
