#include "CRecipes.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char shakespeare_char[] = {
#embed "../../recipes/shakespeare-char.yaml"
};
static const unsigned char shakespeare_baby[] = {
#embed "../../recipes/shakespeare-baby.yaml"
};
static const unsigned char shakespeare_fast[] = {
#embed "../../recipes/shakespeare-fast.yaml"
};
static const unsigned char gpt2_124m[] = {
#embed "../../recipes/gpt2-124m.yaml"
};
static const unsigned char tinystories[] = {
#embed "../../recipes/tinystories.yaml"
};

static const primer_recipe recipes[] = {
    {"shakespeare-char", shakespeare_char, sizeof shakespeare_char},
    {"shakespeare-baby", shakespeare_baby, sizeof shakespeare_baby},
    {"shakespeare-fast", shakespeare_fast, sizeof shakespeare_fast},
    {"gpt2-124m", gpt2_124m, sizeof gpt2_124m},
    {"tinystories", tinystories, sizeof tinystories},
};

size_t primer_recipe_count(void) { return sizeof recipes / sizeof *recipes; }
const primer_recipe *primer_recipe_at(size_t number) { return &recipes[number]; }
