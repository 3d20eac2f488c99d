// What this processor can do at most, measured.
#pragma once
#include "primer_pool.h"

/// f32 operations a second (a fused multiply-add counts two) with registers alone, on every thread of the pool at once: the best
/// of `rounds` rounds of about 5 ms.
double primer_probe_f32(primer_pool *pool, int rounds);

/// Bytes a second that all threads of the pool together read of `memory`, each its own part from end to end: the median of `rounds`
/// rounds after one that is not counted.
double primer_probe_read(primer_pool *pool, const void *memory, int64_t bytes, int rounds);
