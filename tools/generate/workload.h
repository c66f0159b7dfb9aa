/* A multi-turn chat workload: who asks when, and which blocks the prompts are made of.
 *
 * Sessions arrive at random, at a steady mean rate. Each starts with one of the system prompts, popular ones more often, and
 * grows: every turn appends a user message to all that was said before; the answer joins what the next turn sends. Between
 * turns the user thinks. A session ends by chance, or when its next prompt would not fit the context.
 *
 * An id stands for one block and all before it. Full blocks of a system prompt are shared by its sessions, full blocks of a
 * session by its later turns. The block that the system prompt ends in, and the last block of a prompt, which is not full,
 * are met once only: more text follows there. */
#ifndef TOOLS_WORKLOAD_H
#define TOOLS_WORKLOAD_H

#include <stddef.h>
#include <stdint.h>

#include <kvcore/status.h>

typedef struct workload_parameters {
    uint64_t seed;
    uint64_t block_tokens;
    uint64_t system_prompts;   /* how many there are */
    uint64_t system_tokens;    /* mean length; each is 1/2 … 3/2 of it */
    uint64_t zipf_thousandths; /* exponent of their popularity */
    uint64_t sessions_per_minute;
    uint64_t turns;          /* mean, a session */
    uint64_t user_tokens;    /* mean, a message */
    uint64_t output_tokens;  /* mean, an answer */
    uint64_t think_seconds;  /* mean */
    uint64_t context_tokens; /* the longest prompt */
} workload_parameters;

/* One request. Valid until the next. */
typedef struct workload_request {
    uint64_t timestamp_ms;
    uint64_t input_tokens, output_tokens;
    const uint64_t *ids; /* the full blocks */
    size_t count;
    uint64_t partial_id; /* of the last block, when has_partial */
    int has_partial;
} workload_request;

typedef struct chat_workload chat_workload;

/* Parameters are within the ranges that generate.c states. Errors: KVCORE_ENOMEM. */
KVCORE_NODISCARD kvcore_status workload_create(const workload_parameters *parameters, chat_workload **workload);

/* The next request, in order of time; there is always one. Errors: KVCORE_ENOMEM. */
KVCORE_NODISCARD kvcore_status workload_next(chat_workload *workload, workload_request *request);

void workload_destroy(chat_workload *workload);

#endif
