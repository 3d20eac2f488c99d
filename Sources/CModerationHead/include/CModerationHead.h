// The head that moderates where nobody brings another, in the binary, so that it is found wherever it
// runs. `make moderation` makes it again.
#pragma once
#include <stddef.h>

typedef struct {
  const unsigned char *bytes;  // a safetensors file
  size_t length;
} primer_moderation_head;

primer_moderation_head primer_standard_moderation_head(void);
