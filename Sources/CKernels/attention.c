#include "primer_attention.h"

void primer_attention_forward(primer_pool *pool, const primer_attention_arguments *arguments) {
  primer_attention_forward_reference(arguments);
}

void primer_attention_backward(primer_pool *pool, const primer_attention_arguments *arguments) {
  primer_attention_backward_reference(arguments);
}
