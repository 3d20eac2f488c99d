#include "attention_tiles.h"
#include "random_lanes.h"
#include "scratch.h"

typedef struct {
  const primer_attention_arguments *arguments;
  int64_t batch_items, head_items;  // work items along the batch and the key-value heads
} primer_backward_plan;

#define KERNEL_SOURCE "attention_backward.inc"
#include "isa_dispatch.h"

void primer_attention_backward(primer_pool *pool, const primer_attention_arguments *arguments) {
  const primer_attention_arguments *g = arguments;
  // A bias shared by several heads or batch entries has one gradient: those are then one item, added in order.
  primer_backward_plan plan = {g, g->batch, g->key_value_heads};
  if (g->bias_gradient && g->bias_batch_stride == 0) plan.batch_items = 1;
  if (g->bias_gradient && g->bias_head_stride == 0) plan.head_items = 1;
  primer_pool_run(pool, plan.batch_items * plan.head_items, 1, PRIMER_SELECT(backward_work), &plan);
}
