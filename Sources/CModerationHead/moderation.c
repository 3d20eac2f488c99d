#include "CModerationHead.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char head[] = {
#embed "moderation.safetensors"
};

primer_moderation_head primer_standard_moderation_head(void) {
  return (primer_moderation_head){head, sizeof head};
}
