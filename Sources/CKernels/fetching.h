// Lines that come into cache before they are wanted.
#pragma once

/// A line comes into cache to be written: one that another core has must not be shared with it first.
static inline void fetch_to_write(const void *at) {
#if defined(__x86_64__)
  __asm__ volatile("prefetchw %0" : : "m"(*(const char *)at));
#else
  __builtin_prefetch(at, 1);
#endif
}
