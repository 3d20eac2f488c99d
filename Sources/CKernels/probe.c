#include "primer_probe.h"

#include <stdlib.h>
#include <time.h>

enum { MOST_THREADS = 1024 };

typedef struct {
  int64_t iterations;
  float sink[MOST_THREADS];
} probe;

typedef struct {
  const void *memory;
  int64_t bytes, parts;
  int32_t sink[MOST_THREADS];
} reading;

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

static int ascending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

double primer_probe_read(primer_pool *pool, const void *memory, int64_t bytes, int rounds) {
  enum { MOST_ROUNDS = 64 };
  double rates[MOST_ROUNDS];
  reading g = {.memory = memory, .bytes = bytes};
  g.parts = primer_pool_threads(pool) > MOST_THREADS ? MOST_THREADS : primer_pool_threads(pool);
  if (rounds > MOST_ROUNDS) rounds = MOST_ROUNDS;
  for (int round = -1; round < rounds; round++) {
    double begun = seconds();
    primer_pool_run(pool, g.parts, 1, PRIMER_SELECT(read_memory), &g);
    if (round >= 0) rates[round] = (double)bytes / (seconds() - begun);
  }
  qsort(rates, (size_t)rounds, sizeof *rates, ascending);
  return rates[rounds / 2];
}
