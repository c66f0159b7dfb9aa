/* The naming loops for x86-64 with AVX-512 F, BW, DQ, VL; compiled with those flags. */
#define NAMING_KERNELS kvhash__naming_avx512
#include "naming_kernel.h"
