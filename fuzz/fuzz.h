/* What every fuzz target defines. The same source runs under libFuzzer (preset fuzz) and, over its committed corpus, as an
 * ordinary test in every build (label fuzz-replay). Returns 0; anything else a target notices it answers with abort(). */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
