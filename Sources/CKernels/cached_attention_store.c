#include "cached_attention_pages.h"
#include "fetching.h"
#include "scratch.h"
#define KERNEL_SOURCE "cached_attention_store.inc"
#include "isa_dispatch.h"

/// Tokens in a chunk; up to this many, the caller does all.
enum { TOKEN_CHUNK = 32 };

int64_t primer_cache_page_bytes(enum primer_cache_type type, int64_t key_value_heads, int64_t head_width) {
  return key_value_heads * primer_cache_head_bytes(type, head_width);
}

void primer_cache_store(primer_pool *pool, const primer_cached_attention *attention) {
  int64_t tokens = 0;
  for (int64_t s = 0; s < attention->sequence_count; s++) tokens += attention->sequences[s].count;
  primer_pool_run(pool, tokens, TOKEN_CHUNK, PRIMER_SELECT(store_work), (void *)attention);
}
