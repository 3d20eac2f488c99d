#define _GNU_SOURCE
#include "primer_pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

// A region is open while OPEN is set in `state`; the rest of `state` counts the workers inside. A worker enters by
// a compare-and-swap that fails once the region is closed, so the caller waits only for those that entered, and the
// region's fields never change while anyone may read them.
enum { OPEN = 1 << 30, LINE = 128 };

/// Chunks of a region that are open to the thread whose span it is, which takes the first, and to others that are done with their own, which
/// take the last: the first in the low half, the end in the high half.
typedef struct {
  _Alignas(LINE) _Atomic uint64_t chunks;
} pool_span;

struct primer_pool {
  int threads;
  int64_t spin_nanoseconds;
  primer_work work;
  void *context;
  int64_t items, chunk;
  uint32_t number;  // of the region: the generation once it is announced
  primer_idle idle;
  uint8_t idle_context[PRIMER_IDLE_BYTES];
  int spans;        // of this region
  pool_span *span;  // one for each thread
  pthread_t *workers;
  _Alignas(LINE) _Atomic uint32_t state;
  _Alignas(LINE) _Atomic uint32_t generation;  // grows with each region; what sleepers wait on
  _Atomic int sleepers;
  _Atomic bool stopping;
  _Alignas(LINE) atomic_flag occupied;
#if !defined(__linux__)
  pthread_mutex_t mutex;
  pthread_cond_t wake;
#endif
};

typedef struct {
  primer_pool *pool;
  int index;
} worker_start;

static _Thread_local bool inside_region;

static inline void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("isb");
#endif
}

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

static void sleep_while(primer_pool *pool, uint32_t seen) {
  atomic_fetch_add(&pool->sleepers, 1);
#if defined(__linux__)
  if (atomic_load(&pool->generation) == seen) syscall(SYS_futex, &pool->generation, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
#else
  pthread_mutex_lock(&pool->mutex);
  while (atomic_load(&pool->generation) == seen) pthread_cond_wait(&pool->wake, &pool->mutex);
  pthread_mutex_unlock(&pool->mutex);
#endif
  atomic_fetch_sub(&pool->sleepers, 1);
}

static void announce(primer_pool *pool, int64_t wanted) {
  atomic_fetch_add(&pool->generation, 1);
  if (atomic_load(&pool->sleepers) == 0) return;
#if defined(__linux__)
  syscall(SYS_futex, &pool->generation, FUTEX_WAKE_PRIVATE, (int)(wanted < pool->threads ? wanted : pool->threads), NULL, NULL, 0);
#else
  (void)wanted;
  pthread_mutex_lock(&pool->mutex);
  pthread_cond_broadcast(&pool->wake);
  pthread_mutex_unlock(&pool->mutex);
#endif
}

/// What a worker may do until the next region.
typedef struct {
  primer_idle run;
  int worker, threads;
  _Alignas(16) uint8_t context[PRIMER_IDLE_BYTES];
} idle_work;

/// A worker that was late for one region may be in the next before that is announced: then `generation` is still behind what it has seen.
static bool is_newer(uint32_t generation, uint32_t seen) { return (int32_t)(generation - seen) > 0; }

/// Returns the generation once it is newer than `seen`.
static uint32_t await_generation(primer_pool *pool, uint32_t seen, idle_work *idle) {
  for (int64_t step = 0; idle->run && idle->run(idle->context, idle->worker, idle->threads, step); step++) {
    uint32_t generation = atomic_load_explicit(&pool->generation, memory_order_acquire);
    if (is_newer(generation, seen)) return generation;
  }
  for (;;) {
    int64_t end = 0;
    for (int round = 0;; round++) {
      uint32_t generation = atomic_load_explicit(&pool->generation, memory_order_acquire);
      if (is_newer(generation, seen)) return generation;
      if (round % 64 == 0) {
        int64_t time = now();
        if (end == 0) end = time + pool->spin_nanoseconds;
        if (time >= end) break;
      }
      relax();
    }
    sleep_while(pool, seen);
  }
}

/// Takes a chunk of the span: its first, or its last. False: there is none.
static bool take_chunk(pool_span *span, bool last, int64_t *taken) {
  uint64_t chunks = atomic_load_explicit(&span->chunks, memory_order_relaxed);
  for (;;) {
    const uint64_t begin = chunks & UINT32_MAX, end = chunks >> 32;
    if (begin >= end) return false;
    *taken = (int64_t)(last ? end - 1 : begin);
    const uint64_t left = last ? chunks - (UINT64_C(1) << 32) : chunks + 1;
    if (atomic_compare_exchange_weak_explicit(&span->chunks, &chunks, left, memory_order_relaxed, memory_order_relaxed)) return true;
  }
}

static void take_chunks(primer_pool *pool, int worker) {
  const int64_t items = pool->items, size = pool->chunk;
  int64_t chunk;
  for (int i = 0; i < pool->spans; i++)
    while (take_chunk(pool->span + (worker + i) % pool->spans, i > 0, &chunk)) {
      const int64_t begin = chunk * size;
      pool->work(pool->context, begin, begin + size < items ? begin + size : items, worker);
    }
}

static void cut_spans(primer_pool *pool, int64_t items, int64_t chunk, int spans) {
  const int64_t chunks = (items - 1) / chunk + 1;
  pool->items = items;
  pool->chunk = chunk;
  pool->spans = spans;
  for (int i = 0; i < spans; i++) {
    const uint64_t begin = (uint64_t)(chunks * i / spans), end = (uint64_t)(chunks * (i + 1) / spans);
    atomic_store_explicit(&pool->span[i].chunks, end << 32 | begin, memory_order_relaxed);
  }
}

static bool enter(primer_pool *pool) {
  uint32_t state = atomic_load_explicit(&pool->state, memory_order_relaxed);
  while (state & OPEN)
    if (atomic_compare_exchange_weak_explicit(&pool->state, &state, state + 1, memory_order_acquire, memory_order_relaxed)) return true;
  return false;
}

static void *worker_main(void *argument) {
  worker_start start = *(worker_start *)argument;
  free(argument);
  primer_pool *pool = start.pool;
  inside_region = true;
  idle_work idle = {.worker = start.index};
  for (uint32_t seen = 0;;) {
    seen = await_generation(pool, seen, &idle);
    idle.run = NULL;
    if (atomic_load_explicit(&pool->stopping, memory_order_acquire)) return NULL;
    if (!enter(pool)) continue;
    seen = pool->number;
    take_chunks(pool, start.index);
    idle.run = pool->idle;
    idle.threads = pool->threads;
    if (idle.run) memcpy(idle.context, pool->idle_context, sizeof idle.context);
    atomic_fetch_sub_explicit(&pool->state, 1, memory_order_release);
  }
}

static void run_serially(int64_t items, int64_t chunk, primer_work work, void *context) {
  for (int64_t begin = 0; begin < items; begin += chunk) work(context, begin, begin + chunk < items ? begin + chunk : items, 0);
}

static void run_region(primer_pool *pool, int64_t items, int64_t chunk, bool split, primer_work work, void *context, primer_idle idle,
                       const void *idle_context) {
  if (chunk < 1) chunk = 1;
  const bool countable = items / chunk < UINT32_MAX;
  if (!pool || pool->threads == 1 || items <= chunk || !countable || inside_region || atomic_flag_test_and_set_explicit(&pool->occupied, memory_order_acquire)) {
    run_serially(items, chunk, work, context);
    return;
  }
  inside_region = true;
  pool->work = work;
  pool->context = context;
  pool->idle = idle;
  if (idle) memcpy(pool->idle_context, idle_context, PRIMER_IDLE_BYTES);
  cut_spans(pool, items, chunk, split ? pool->threads : 1);
  pool->number = atomic_load_explicit(&pool->generation, memory_order_relaxed) + 1;
  atomic_store_explicit(&pool->state, OPEN, memory_order_release);
  announce(pool, (items + chunk - 1) / chunk - 1);
  take_chunks(pool, 0);
  atomic_fetch_and_explicit(&pool->state, ~(uint32_t)OPEN, memory_order_acquire);
  for (int round = 0; atomic_load_explicit(&pool->state, memory_order_acquire) != 0; round++) {
    relax();
    if (round % 4096 == 4095) sched_yield();
  }
  inside_region = false;
  atomic_flag_clear_explicit(&pool->occupied, memory_order_release);
}

void primer_pool_run(primer_pool *pool, int64_t items, int64_t chunk, primer_work work, void *context) {
  run_region(pool, items, chunk, false, work, context, NULL, NULL);
}

void primer_pool_run_in_spans(primer_pool *pool, int64_t items, int64_t chunk, primer_work work, void *context, primer_idle idle,
                              const void *idle_context) {
  run_region(pool, items, chunk, true, work, context, idle, idle_context);
}

primer_pool *primer_pool_create(int threads) {
  if (threads < 1) threads = 1;
  primer_pool *pool = NULL;
  if (posix_memalign((void **)&pool, LINE, sizeof *pool)) return NULL;
  *pool = (primer_pool){.threads = threads, .occupied = ATOMIC_FLAG_INIT};
  pool->workers = calloc((size_t)threads, sizeof *pool->workers);
  if (!pool->workers || posix_memalign((void **)&pool->span, LINE, (size_t)threads * sizeof *pool->span))
    return free(pool->workers), free(pool), NULL;
  // A spinning worker beyond the cores only keeps another from its work.
  pool->spin_nanoseconds = threads <= primer_physical_cores() ? 50000 : 2000;
#if !defined(__linux__)
  pthread_mutex_init(&pool->mutex, NULL);
  pthread_cond_init(&pool->wake, NULL);
#endif
  for (int index = 1; index < threads; index++) {
    worker_start *start = malloc(sizeof *start);
    if (start) *start = (worker_start){pool, index};
    if (!start || pthread_create(&pool->workers[index], NULL, worker_main, start)) {
      free(start);
      pool->threads = index;
      primer_pool_destroy(pool);
      return NULL;
    }
  }
  return pool;
}

void primer_pool_destroy(primer_pool *pool) {
  if (!pool) return;
  atomic_store_explicit(&pool->stopping, true, memory_order_release);
  announce(pool, pool->threads);
  for (int index = 1; index < pool->threads; index++) pthread_join(pool->workers[index], NULL);
#if !defined(__linux__)
  pthread_cond_destroy(&pool->wake);
  pthread_mutex_destroy(&pool->mutex);
#endif
  free(pool->workers);
  free(pool->span);
  free(pool);
}

int primer_pool_threads(const primer_pool *pool) { return pool ? pool->threads : 1; }
