#include "primer_matmul.h"

void primer_matmul_f32(primer_pool *pool, const primer_matmul_arguments *arguments) {
  (void)pool;
  primer_matmul_f32_reference(arguments);
}
