// Speed of the f32 matrix product at the sizes that training and decoding use, one JSON object a row. From the package's folder:
//   clang -O2 -ISources/CKernels/include Benchmarks/matmul/matmul.c Sources/CKernels/*.c -lm -lpthread -o /tmp/matmul && /tmp/matmul
// Arguments: [threads [layout m n k]]; layout AB: A·B, ABt: A·Bᵀ (a linear layer), AtB: Aᵀ·B (its weight's gradient).
// `best` is the fastest round, `gigaflops` the median one.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "CKernels.h"

typedef struct {
  int64_t m, n, k;
} size;

static const size forward_sizes[] = {
    {768, 768, 768},    {768, 384, 128},   {768, 128, 128},   {768, 512, 128},   {768, 128, 512},  {768, 65, 128},
    {4096, 1152, 384},  {4096, 384, 384},  {4096, 1536, 384}, {4096, 384, 1536}, {4096, 65, 384},  {1024, 2304, 768},
    {1024, 768, 768},   {1024, 3072, 768}, {1024, 768, 3072}, {256, 50304, 768}, {12, 128, 128},   {12, 384, 128},
    {12, 512, 128},     {12, 128, 512},    {1, 384, 384},     {1, 1536, 384},    {1, 768, 3072},   {1, 3072, 768},
    {4, 3072, 768},     {8, 3072, 768},    {16, 3072, 768},   {16, 384, 384},
};

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static float *numbers(int64_t count) {
  float *values;
  size_t huge = 2 << 20, bytes = ((size_t)count * sizeof *values + huge - 1) / huge * huge;
  if (posix_memalign((void **)&values, huge, bytes)) abort();
#if defined(__linux__)
  madvise(values, bytes, MADV_HUGEPAGE);  // as Primer's own storage
#endif
  for (int64_t i = 0; i < count; i++) values[i] = (float)((i * 7919) % 1001) / 1001 - 0.5f;
  return values;
}

static int ascending(const void *a, const void *b) {
  double difference = *(const double *)a - *(const double *)b;
  return difference < 0 ? -1 : difference > 0;
}

static void measure(primer_pool *pool, const char *layout, size s) {
  bool a_transposed = !strcmp(layout, "AtB"), b_transposed = !strcmp(layout, "ABt");
  primer_matmul_arguments g = {
      .m = s.m, .n = s.n, .k = s.k, .a = numbers(s.m * s.k), .a_row_stride = a_transposed ? 1 : s.k, .a_column_stride = a_transposed ? s.m : 1,
      .b = numbers(s.k * s.n), .b_row_stride = b_transposed ? 1 : s.n, .b_column_stride = b_transposed ? s.k : 1,
      .c = numbers(s.m * s.n), .c_row_stride = s.n, .batch = 1, .alpha = 1};
  double work = 2.0 * (double)s.m * (double)s.n * (double)s.k, times[15];
  enum { ROUNDS = sizeof times / sizeof *times };
  int repeat = (int)(2e9 / work < 1 ? 1 : 2e9 / work > 2000 ? 2000 : 2e9 / work);
  primer_matmul_f32(pool, &g);
  for (int round = 0; round < ROUNDS; round++) {
    double begun = now();
    for (int i = 0; i < repeat; i++) primer_matmul_f32(pool, &g);
    times[round] = (now() - begun) / repeat;
  }
  qsort(times, ROUNDS, sizeof *times, ascending);
  printf("{\"size\": [%ld, %ld, %ld], \"type\": \"float32\", \"layout\": \"%s\", \"threads\": %d, \"gigaflops\": %.1f, \"best\": %.1f}\n",
         (long)s.m, (long)s.n, (long)s.k, layout, primer_pool_threads(pool), work / times[ROUNDS / 2] / 1e9, work / times[0] / 1e9);
  fflush(stdout);
  free((void *)g.a);
  free((void *)g.b);
  free(g.c);
}

int main(int count, char **arguments) {
  int only = count > 1 ? atoi(arguments[1]) : 0;
  for (int threads = only ? only : 1; threads <= (only ? only : primer_physical_cores()); threads++) {
    primer_pool *pool = primer_pool_create(threads);
    if (count > 5) {
      measure(pool, arguments[2], (size){atol(arguments[3]), atol(arguments[4]), atol(arguments[5])});
    } else {
      for (size_t i = 0; i < sizeof forward_sizes / sizeof *forward_sizes; i++) {
        size s = forward_sizes[i];
        measure(pool, "ABt", s);
        measure(pool, "AB", (size){s.m, s.k, s.n});
        measure(pool, "AtB", (size){s.n, s.k, s.m});
      }
    }
    primer_pool_destroy(pool);
  }
}
