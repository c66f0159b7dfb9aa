/* The naming loops for every CPU of this architecture. */
#define NAMING_KERNELS kvhash__naming_baseline
#include "naming_kernel.h"
