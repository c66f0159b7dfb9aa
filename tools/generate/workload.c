#include "generate/workload.h"

#include <stdbool.h>
#include <stdlib.h>

#include "shared/dice.h"

typedef struct system_prompt {
    uint64_t tokens;
    uint64_t first_id; /* of its full blocks, in a row; meaningful once used */
    bool used;
} system_prompt;

typedef struct chat_session {
    uint64_t time_us; /* of its next turn */
    uint64_t number;  /* decides between equal times */
    uint64_t tokens;  /* of what was said so far */
    uint64_t *ids;    /* of the full blocks */
    size_t count, capacity;
} chat_session;

struct chat_workload {
    workload_parameters parameters;
    dice_state dice;
    zipf_law popularity;
    system_prompt *prompts;
    uint64_t next_id, next_session;
    uint64_t arrival_us;   /* of the next session */
    chat_session *waiting; /* a heap, earliest first */
    size_t count, capacity;
    chat_session current; /* whose turn it was last */
    bool current_goes_on;
};

static bool grow(void **memory, size_t *capacity, size_t count, size_t size_bytes) {
    if (count <= *capacity) return true;
    size_t larger = *capacity < 16 ? 16 : *capacity;
    while (larger < count) larger *= 2;
    void *grown = realloc(*memory, larger * size_bytes);
    if (grown == NULL) return false;
    *memory = grown;
    *capacity = larger;
    return true;
}

/* ---- sessions that wait for their next turn ---- */

static bool earlier(const chat_session *a, const chat_session *b) {
    return a->time_us != b->time_us ? a->time_us < b->time_us : a->number < b->number;
}

static kvcore_status wait_in_line(chat_workload *workload, chat_session session) {
    void *memory = workload->waiting;
    if (!grow(&memory, &workload->capacity, workload->count + 1, sizeof session)) return KVCORE_ENOMEM;
    workload->waiting = memory;
    size_t at = workload->count++;
    for (; at > 0 && earlier(&session, &workload->waiting[(at - 1) / 2]); at = (at - 1) / 2)
        workload->waiting[at] = workload->waiting[(at - 1) / 2];
    workload->waiting[at] = session;
    return KVCORE_OK;
}

static chat_session take_first(chat_workload *workload) {
    chat_session *heap = workload->waiting;
    chat_session first = heap[0], last = heap[--workload->count];
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < workload->count; at = child) {
        if (child + 1 < workload->count && earlier(&heap[child + 1], &heap[child])) child++;
        if (!earlier(&heap[child], &last)) break;
        heap[at] = heap[child];
    }
    heap[at] = last;
    return first;
}

/* ---- one session ---- */

/* Ids for the full blocks that are new. */
static kvcore_status name_full_blocks(chat_workload *workload, chat_session *session, uint64_t full) {
    void *memory = session->ids;
    if (!grow(&memory, &session->capacity, (size_t)full, sizeof *session->ids)) return KVCORE_ENOMEM;
    session->ids = memory;
    while (session->count < full) session->ids[session->count++] = workload->next_id++;
    return KVCORE_OK;
}

static kvcore_status begin_session(chat_workload *workload, chat_session *session) {
    const workload_parameters *parameters = &workload->parameters;
    system_prompt *prompt = &workload->prompts[zipf_draw(&workload->popularity, &workload->dice)];
    uint64_t full = prompt->tokens / parameters->block_tokens;
    if (!prompt->used) {
        prompt->used = true;
        prompt->first_id = workload->next_id;
        workload->next_id += full;
    }
    *session =
        (chat_session){.time_us = workload->arrival_us, .number = workload->next_session++, .tokens = prompt->tokens};
    workload->arrival_us += dice_exponential(&workload->dice, 60000000 / parameters->sessions_per_minute);
    void *memory = NULL;
    if (!grow(&memory, &session->capacity, (size_t)full, sizeof *session->ids)) return KVCORE_ENOMEM;
    session->ids = memory;
    for (uint64_t i = 0; i < full; i++) session->ids[session->count++] = prompt->first_id + i;
    return KVCORE_OK;
}

/* 1 or more, with this mean. */
static uint64_t draw_tokens(chat_workload *workload, uint64_t mean) {
    return 1 + dice_exponential(&workload->dice, mean > 0 ? mean - 1 : 0);
}

/* The session says something; afterwards its tokens are those of this prompt and its answer. */
static kvcore_status take_turn(chat_workload *workload, chat_session *session, workload_request *request) {
    const workload_parameters *parameters = &workload->parameters;
    uint64_t room = parameters->context_tokens - session->tokens;
    uint64_t message = draw_tokens(workload, parameters->user_tokens);
    uint64_t input = session->tokens + (message < room ? message : room);
    uint64_t output = draw_tokens(workload, parameters->output_tokens);
    uint64_t full = input / parameters->block_tokens;
    kvcore_status status = name_full_blocks(workload, session, full);
    if (status != KVCORE_OK) return status;
    *request = (workload_request){.timestamp_ms = session->time_us / 1000,
                                  .input_tokens = input,
                                  .output_tokens = output,
                                  .ids = session->ids,
                                  .count = (size_t)full,
                                  .has_partial = input % parameters->block_tokens != 0};
    if (request->has_partial) request->partial_id = workload->next_id++;
    session->tokens = input + output;
    return KVCORE_OK;
}

/* ---- the whole ---- */

kvcore_status workload_create(const workload_parameters *parameters, chat_workload **created) {
    chat_workload *workload = calloc(1, sizeof *workload);
    if (workload == NULL) return KVCORE_ENOMEM;
    workload->parameters = *parameters;
    workload->dice.state = parameters->seed;
    workload->prompts = calloc(parameters->system_prompts, sizeof *workload->prompts);
    if (workload->prompts == NULL || zipf_init(&workload->popularity, parameters->system_prompts,
                                               (uint32_t)parameters->zipf_thousandths) != KVCORE_OK) {
        workload_destroy(workload);
        return KVCORE_ENOMEM;
    }
    for (uint64_t i = 0; i < parameters->system_prompts; i++) {
        uint64_t tokens = parameters->system_tokens / 2 + dice_below(&workload->dice, parameters->system_tokens + 1);
        /* a message must fit behind it */
        workload->prompts[i].tokens = tokens < parameters->context_tokens ? tokens : parameters->context_tokens - 1;
    }
    *created = workload;
    return KVCORE_OK;
}

kvcore_status workload_next(chat_workload *workload, workload_request *request) {
    const workload_parameters *parameters = &workload->parameters;
    chat_session *current = &workload->current;
    kvcore_status status = KVCORE_OK;
    if (workload->current_goes_on)
        status = wait_in_line(workload, *current);
    else
        free(current->ids);
    if (status != KVCORE_OK) return status;
    *current = (chat_session){.ids = NULL};
    workload->current_goes_on = false;
    if (workload->count > 0 && workload->waiting[0].time_us <= workload->arrival_us)
        *current = take_first(workload);
    else
        status = begin_session(workload, current);
    if (status == KVCORE_OK) status = take_turn(workload, current, request);
    if (status != KVCORE_OK) return status;
    workload->current_goes_on =
        dice_below(&workload->dice, parameters->turns) != 0 && current->tokens < parameters->context_tokens;
    current->time_us += 1000 * dice_exponential(&workload->dice, 1000 * parameters->think_seconds);
    return KVCORE_OK;
}

void workload_destroy(chat_workload *workload) {
    if (workload == NULL) return;
    for (size_t i = 0; i < workload->count; i++) free(workload->waiting[i].ids);
    free(workload->waiting);
    free(workload->current.ids);
    zipf_clear(&workload->popularity);
    free(workload->prompts);
    free(workload);
}
