/* Two blocks of 16 tokens with one name, under the salt "public-service": what examples/second_preimage.c found. */
#ifndef KVTEST_FORGED_H
#define KVTEST_FORGED_H

#include <stdint.h>

#define FORGED_SALT "public-service"
#define FORGED_TOKENS 16

static const uint32_t honest_tokens[FORGED_TOKENS] = {9125, 2675, 527,  264, 11190, 18328, 13,  22559,
                                                      8001, 323,  2019, 994, 499,   656,   539, 1440};
static const uint32_t forged_tokens[FORGED_TOKENS] = {97439, 59429,  68601,  77884, 75536, 21253, 49187, 38005,
                                                      19299, 113723, 109233, 33424, 80201, 83351, 1193,  40123};

#endif
