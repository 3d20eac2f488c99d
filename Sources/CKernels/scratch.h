// Working memory of kernels, kept by each thread from call to call.
#pragma once
#include <stddef.h>

/// At least `floats` floats, aligned to 64 bytes, contents undefined; valid until the calling thread asks again. Freed with the thread.
float *primer_scratch(size_t floats);
