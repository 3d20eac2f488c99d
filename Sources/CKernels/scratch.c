#define _GNU_SOURCE
#include "scratch.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { HUGE_PAGE = 2 << 20 };

typedef struct {
  void *memory[PRIMER_SCRATCH_SLOTS];
  size_t bytes[PRIMER_SCRATCH_SLOTS];
} thread_scratch;

static _Thread_local thread_scratch *own;
static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void release(void *argument) {
  thread_scratch *scratch = argument;
  for (int slot = 0; slot < PRIMER_SCRATCH_SLOTS; slot++) free(scratch->memory[slot]);
  free(scratch);
}

static void make_key(void) {
  if (pthread_key_create(&key, release)) abort();
}

static void *grow(enum primer_scratch_slot slot, size_t bytes) {
  if (!own) {
    pthread_once(&once, make_key);
    own = calloc(1, sizeof *own);
    if (!own || pthread_setspecific(key, own)) abort();
  }
  free(own->memory[slot]);
  size_t alignment = bytes >= HUGE_PAGE / 2 ? HUGE_PAGE : 4096;
  size_t rounded = (bytes + alignment - 1) / alignment * alignment;
  if (posix_memalign(&own->memory[slot], alignment, rounded)) abort();
#if defined(__linux__)
  if (alignment == HUGE_PAGE) madvise(own->memory[slot], rounded, MADV_HUGEPAGE);
#endif
  own->bytes[slot] = rounded;
  return own->memory[slot];
}

void *primer_scratch(enum primer_scratch_slot slot, size_t bytes) {
  if (own && own->bytes[slot] >= bytes) return own->memory[slot];
  return grow(slot, bytes);
}
