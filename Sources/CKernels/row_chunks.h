// How element-wise and row-wise kernels are cut for the pool: by shape alone, so that results never depend on the threads.
#pragma once
#include <stdint.h>

/// Elements in a chunk of a cheap, memory-bound kernel, and of one with an exponential or the like inside.
enum { PRIMER_LIGHT_CHUNK = 16384, PRIMER_HEAVY_CHUNK = 4096 };

static inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t parts(int64_t whole, int64_t part) { return (whole + part - 1) / part; }

/// Rows of `width` in a chunk of about `elements`.
static inline int64_t primer_rows_in_chunk(int64_t elements, int64_t width) { return width >= elements ? 1 : width > 0 ? elements / width : elements; }
