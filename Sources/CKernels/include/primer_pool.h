// Compute threads: workers spin briefly after a region, then sleep; the caller works too.
#pragma once
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
/// The same where neighbouring items should go by in one thread, as memory that is fetched ahead: each thread takes a stretch of its own, from
/// its beginning on, and then what others have left of theirs.
void primer_pool_run_in_spans(primer_pool *pool, int64_t items, int64_t chunk, primer_work work, void *context);
/// Physical cores that this process may use.
int primer_physical_cores(void);
