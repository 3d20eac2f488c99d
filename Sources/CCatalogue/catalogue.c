#include "CCatalogue.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char catalogue[] = {
#embed "../../catalogue/models.json"
};

const unsigned char *primer_catalogue(void) { return catalogue; }
size_t primer_catalogue_length(void) { return sizeof catalogue; }
