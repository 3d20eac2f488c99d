// What this processor can do at most, measured.
#pragma once
#include "primer_pool.h"

/// f32 operations a second (a fused multiply-add counts two) with registers alone, on every thread of the pool at once: the best
/// of `rounds` rounds of about 5 ms.
double primer_probe_f32(primer_pool *pool, int rounds);
