#include "scratch.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static _Thread_local float *memory;
static _Thread_local size_t capacity;
static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_key(void) { pthread_key_create(&key, free); }

float *primer_scratch(size_t floats) {
  if (floats <= capacity) return memory;
  pthread_once(&once, make_key);
  pthread_setspecific(key, NULL);
  free(memory);
  memory = NULL;
  capacity = 0;
  size_t bytes = (floats * sizeof(float) + 4095) / 4096 * 4096;
  if (posix_memalign((void **)&memory, 4096, bytes)) {
    fprintf(stderr, "primer: no memory for %zu bytes of kernel scratch\n", bytes);
    abort();
  }
  pthread_setspecific(key, memory);
  capacity = bytes / sizeof(float);
  return memory;
}
