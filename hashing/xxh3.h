/* The system's xxHash, inlined: no run-time dependency, and constant lengths fold. Private to hashing. */
#ifndef HASHING_XXH3_H
#define HASHING_XXH3_H

#define XXH_INLINE_ALL
#include <xxhash.h>

#endif
