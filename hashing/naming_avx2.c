/* The naming loops for x86-64 with AVX2 and BMI2; compiled with those flags. */
#define NAMING_KERNELS kvhash__naming_avx2
#include "naming_kernel.h"
