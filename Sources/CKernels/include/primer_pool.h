// Compute threads: workers spin briefly after a region, then sleep; the caller works too.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct primer_pool primer_pool;

/// Handles items [begin, end); `worker` is in 0 ..< threads and owned by this call until it returns.
typedef void (*primer_work)(void *context, int64_t begin, int64_t end, int worker);

/// A pool of `threads` threads, the caller's included; NULL when the system refuses.
primer_pool *primer_pool_create(int threads);
/// Joins the workers. No region may be running.
void primer_pool_destroy(primer_pool *pool);
/// Threads of the pool, the caller's included; 1 for NULL.
int primer_pool_threads(const primer_pool *pool);
/// Runs `work` over `items` items in chunks of `chunk` and returns when all are done. Which thread takes which chunk is
/// open, so results must not depend on it. With a NULL pool, or while another thread's region runs, the caller does all.
void primer_pool_run(primer_pool *pool, int64_t items, int64_t chunk, primer_work work, void *context);

enum { PRIMER_IDLE_BYTES = 64 };
/// A short step of what a worker may do while it waits for the next region; false: there is no more. It may change nothing.
typedef bool (*primer_idle)(const void *context, int worker, int threads, int64_t step);
/// The same where neighbouring items should go by in one thread, as memory that is fetched ahead: thread t of T takes its T-th of the chunks in
/// order, and then the last that others have left of theirs. Workers then do `idle`, if there is one, with a copy of
/// PRIMER_IDLE_BYTES of its context.
void primer_pool_run_in_spans(primer_pool *pool, int64_t items, int64_t chunk, primer_work work, void *context, primer_idle idle,
                              const void *idle_context);
/// Physical cores that this process may use.
int primer_physical_cores(void);
