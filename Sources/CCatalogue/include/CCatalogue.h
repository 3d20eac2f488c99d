// The package's catalogue/models.json, in the binary, so that it is found wherever it runs.
#pragma once
#include <stddef.h>

/// The JSON file as it is, no final zero.
const unsigned char *primer_catalogue(void);
size_t primer_catalogue_length(void);
