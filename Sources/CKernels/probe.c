#include "primer_probe.h"

#include <time.h>

enum { MOST_THREADS = 1024 };

typedef struct {
  int64_t iterations;
  float sink[MOST_THREADS];
} probe;

#define KERNEL_SOURCE "probe.inc"
#include "isa_dispatch.h"

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

double primer_probe_f32(primer_pool *pool, int rounds) {
  probe g = {.iterations = 100000};
  int threads = primer_pool_threads(pool);
  if (threads > MOST_THREADS) threads = MOST_THREADS;
  double best = 0;
  for (int round = 0; round < rounds; round++) {
    double begun = seconds();
    primer_pool_run(pool, threads, 1, PRIMER_SELECT(multiply_add_rounds), &g);
    double rate = (double)PRIMER_SELECT(operations)(g.iterations) * threads / (seconds() - begun);
    if (rate > best) best = rate;
  }
  return best;
}
