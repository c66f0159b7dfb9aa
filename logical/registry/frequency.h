/* A sketch over memory of the caller's. Private to logical. */
#ifndef LOGICAL_FREQUENCY_H
#define LOGICAL_FREQUENCY_H

#include <stdbool.h>

#include <kvlogical/frequency.h>

uint64_t kvlogical__frequency_bytes(size_t capacity);
kvlogical_frequency *kvlogical__frequency_init(void *memory, size_t capacity, uint32_t decay_threshold);

/* Where a name's counters are, for a caller that keeps it beside the name and so has the name hashed once. In 32 bits, which
 * is enough when kvlogical__frequency_compact(). */
bool kvlogical__frequency_compact(const kvlogical_frequency *f);
void kvlogical__frequency_places(const kvlogical_frequency *f, kvhash_plh name, uint32_t places[4]);
void kvlogical__frequency_prefetch(const kvlogical_frequency *f, const uint32_t places[4]);
void kvlogical__frequency_touch_at(kvlogical_frequency *f, const uint32_t places[4]);
unsigned kvlogical__frequency_count_at(const kvlogical_frequency *f, const uint32_t places[4]);

#endif
