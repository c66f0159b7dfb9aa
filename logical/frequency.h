/* A sketch over memory of the caller's. Private to logical. */
#ifndef LOGICAL_FREQUENCY_H
#define LOGICAL_FREQUENCY_H

#include <kvlogical/frequency.h>

uint64_t kvlogical__frequency_bytes(size_t capacity);
kvlogical_frequency *kvlogical__frequency_init(void *memory, size_t capacity, uint32_t decay_threshold);

#endif
