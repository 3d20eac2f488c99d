// The whole of Primer's C interface: numeric kernels, instruction-set selection, the compute pool.
#pragma once
#include "primer_pool.h"
#include "primer_isa.h"
#include "primer_matmul.h"
#include "primer_attention.h"
#include "primer_normalisation.h"
#include "primer_elementwise.h"
#include "primer_loss.h"
#include "primer_embedding.h"
#include "primer_optimiser.h"
#include "primer_random.h"
#include "primer_probe.h"
