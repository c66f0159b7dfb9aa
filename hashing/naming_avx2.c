/* The naming loops for x86-64 with AVX2 and BMI2; compiled with those flags. */
#define NAMING_KERNELS naming_avx2
#include "naming_kernel.h"
