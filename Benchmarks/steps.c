// The benchmark's continuous batching (one replica's share of it) as a careful programmer would write it who takes each
// step: an array of requests, a pass over it a step. Prints ns of CPU time a request.
#include "CGSL.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { most = 64, tokens_per_step = 2048, ahead = 1 << 16 };

typedef struct {
  double arrived;
  long prompt, output;
} request;

static long lognormal(const gsl_rng *stream, double mean, double cv) {
  double variance = log(1 + cv * cv);
  long drawn = lround(gsl_ran_lognormal(stream, log(mean) - variance / 2, sqrt(variance)));
  return drawn > 1 ? drawn : 1;
}

int main(int argc, char **argv) {
  long n = argc > 1 ? atol(argv[1]) : 2000000;
  uint64_t seeds[3][4] = {{1, 2, 3, 4}, {5, 6, 7, 8}, {9, 10, 11, 12}};
  gsl_rng *arrivals = wb_stream_alloc(seeds[0]), *inputs = wb_stream_alloc(seeds[1]),
          *outputs = wb_stream_alloc(seeds[2]);
  static request queue[ahead];
  request batch[most];
  long first = 0, next = 0, drawn = 0, done = 0, steps = 0;
  int count = 0;
  double now = 0, clock_of_arrivals = 0, latency = 0;
  clock_t start = clock();
  while (done < n) {
    // Arrivals up to now, and the one after.
    while (drawn < n && (next == first || queue[(next - 1) % ahead].arrived <= now)) {
      clock_of_arrivals += wb_stream_exponential(arrivals) / 7.5 * 1e6;
      queue[next++ % ahead] = (request){clock_of_arrivals, lognormal(inputs, 1100, 1.3), lognormal(outputs, 250, 0.9)};
      drawn++;
    }
    if (count == 0 && queue[first % ahead].arrived > now) now = queue[first % ahead].arrived;
    long decoding = 0;
    for (int i = 0; i < count; i++) decoding += batch[i].prompt == 0;
    while (count < most && first < next && queue[first % ahead].arrived <= now) batch[count++] = queue[first++ % ahead];
    long budget = tokens_per_step - decoding, participants = 0, prompt = 0;
    for (int i = 0; i < count; i++) {
      if (batch[i].prompt == 0) {
        participants++;
        batch[i].output--;
      } else if (budget > 0) {
        long taken = batch[i].prompt < budget ? batch[i].prompt : budget;
        batch[i].prompt -= taken;
        budget -= taken;
        prompt += taken;
        participants++;
        if (batch[i].prompt == 0) batch[i].output--;
      }
    }
    now += 12000 + 100 * participants + 20 * prompt;
    steps++;
    int left = 0;
    for (int i = 0; i < count; i++) {
      if (batch[i].prompt == 0 && batch[i].output <= 0) {
        latency += now - batch[i].arrived;
        done++;
      } else {
        batch[left++] = batch[i];
      }
    }
    count = left;
  }
  double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
  printf("{\"requests\": %ld, \"nsPerRequest\": %.2f, \"stepsPerRequest\": %.1f, \"meanLatency\": %.6g}\n", n,
         seconds / n * 1e9, (double)steps / n, latency / n / 1e6);
  return 0;
}
