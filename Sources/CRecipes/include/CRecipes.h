// The recipes of the package's folder recipes/, in the binary, so that they are found wherever it runs.
#pragma once
#include <stddef.h>

typedef struct {
  const char *name;
  const unsigned char *bytes;  // the YAML file as it is, no final zero
  size_t length;
} primer_recipe;

size_t primer_recipe_count(void);
const primer_recipe *primer_recipe_at(size_t number);
