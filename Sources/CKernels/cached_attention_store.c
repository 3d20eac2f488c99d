#include "cached_attention_pages.h"
#include "fetching.h"
#include "scratch.h"

/// A lone token's lines, of which there is one for every few columns of a key, come all at once; else each store would wait for its own.
static void fetch_token(const primer_cached_attention *g, const primer_cache_sequence *sequence) {
  const int64_t position = sequence->first, element = primer_cache_element_bytes(g->type);
  const int64_t key = primer_cache_key_index(g, position / PRIMER_CACHE_GROUP * PRIMER_CACHE_GROUP, 0) * element;
  const int64_t value = primer_cache_value_index(g, position, 0) * element;
  for (int64_t head = 0; head < g->key_value_heads; head++) {
    const int64_t offset = primer_cache_offset(g, sequence, head, position);
    const char *keys = (const char *)g->keys + offset + key, *values = (const char *)g->values + offset + value;
    for (int64_t i = 0; i < g->head_width * PRIMER_CACHE_GROUP * element; i += 64) fetch_to_write(keys + i);
    for (int64_t i = 0; i < primer_cache_padded(g->head_width) * element; i += 64) fetch_to_write(values + i);
  }
}

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
