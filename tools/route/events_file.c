#include "route/events_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <zmq.h>

#include <kvcore/text.h>

#include "shared/command.h"

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static void sleep_ns(uint64_t ns) {
    struct timespec left = {(time_t)(ns / 1000000000), (long)(ns % 1000000000)};
    while (nanosleep(&left, &left) != 0 && errno == EINTR) continue;
}

/* ---- record ---- */

static bool write_frame(FILE *to, zmq_msg_t *frame) {
    size_t size = zmq_msg_size(frame);
    char *text = malloc(2 * size + 1);
    if (text == NULL) return false;
    kvcore_hex_encode(zmq_msg_data(frame), size, text);
    text[2 * size] = '\0';
    bool fine = fprintf(to, " %s", size == 0 ? "-" : text) > 0;
    free(text);
    return fine;
}

static bool record_message(FILE *to, void *socket, uint64_t *began) {
    bool more = true, first = true, fine = true;
    while (more && fine) {
        zmq_msg_t frame;
        zmq_msg_init(&frame);
        if (zmq_msg_recv(&frame, socket, 0) < 0) return false;
        if (*began == 0) *began = now_ns();
        if (first) fine = fprintf(to, "%" PRIu64, now_ns() - *began) > 0;
        first = false;
        fine = fine && write_frame(to, &frame);
        more = zmq_msg_more(&frame) != 0;
        zmq_msg_close(&frame);
    }
    return fine && fputc('\n', to) != EOF && fflush(to) == 0;
}

int events_record(const char *endpoint, const char *topic, const char *path, uint64_t count) {
    FILE *to = fopen(path, "we");
    if (to == NULL) return complain(EXIT_SYSTEM, "%s: %s", path, strerror(errno));
    void *context = zmq_ctx_new(), *socket = zmq_socket(context, ZMQ_SUB);
    int code = EXIT_OK;
    uint64_t began = 0;
    zmq_setsockopt(socket, ZMQ_SUBSCRIBE, topic, strlen(topic));
    if (zmq_connect(socket, endpoint) != 0) code = complain(EXIT_USAGE, "%s: %s", endpoint, zmq_strerror(zmq_errno()));
    for (uint64_t i = 0; code == EXIT_OK && (count == 0 || i < count); i++)
        if (!record_message(to, socket, &began)) code = complain(EXIT_SYSTEM, "%s: cannot be written", path);
    if (fclose(to) != 0 && code == EXIT_OK) code = complain(EXIT_SYSTEM, "%s: %s", path, strerror(errno));
    zmq_close(socket);
    zmq_ctx_term(context);
    return code;
}

/* ---- play ---- */

/* The frames of a line, which is changed; false for one that is none. */
static bool send_line(void *socket, char *line, uint64_t began, int fast) {
    char *rest, *word = strtok_r(line, " \n", &rest), *end;
    uint64_t at = word == NULL ? 0 : strtoull(word, &end, 10);
    if (word == NULL || *end != '\0') return false;
    uint64_t now = now_ns();
    if (!fast && began + at > now) sleep_ns(began + at - now);
    word = strtok_r(NULL, " \n", &rest);
    while (word != NULL) {
        char *next = strtok_r(NULL, " \n", &rest);
        size_t length = strcmp(word, "-") == 0 ? 0 : strlen(word);
        if (kvcore_hex_decode(word, length, word) != KVCORE_OK) return false; /* in place: bytes are behind digits */
        zmq_send(socket, word, length / 2, next == NULL ? 0 : ZMQ_SNDMORE);
        word = next;
    }
    return true;
}

static int play_lines(FILE *from, const char *path, void *socket, int fast) {
    char *line = NULL;
    size_t capacity = 0;
    uint64_t number = 0, began = now_ns();
    int code = EXIT_OK;
    while (code == EXIT_OK && getline(&line, &capacity, from) >= 0) {
        number++;
        if (!send_line(socket, line, began, fast))
            code = complain(EXIT_BAD_INPUT, "%s:%" PRIu64 ": expected a time and frames", path, number);
    }
    free(line);
    return code;
}

int events_play(const char *path, const char *endpoint, uint64_t wait_ms, int fast) {
    FILE *from = fopen(path, "re");
    if (from == NULL) return complain(EXIT_SYSTEM, "%s: %s", path, strerror(errno));
    void *context = zmq_ctx_new(), *socket = zmq_socket(context, ZMQ_PUB);
    const int all = 0;
    zmq_setsockopt(socket, ZMQ_SNDHWM, &all, sizeof all);
    int code = EXIT_OK;
    if (zmq_bind(socket, endpoint) != 0) code = complain(EXIT_USAGE, "%s: %s", endpoint, zmq_strerror(zmq_errno()));
    if (code == EXIT_OK) {
        sleep_ns(wait_ms * 1000000);
        code = play_lines(from, path, socket, fast);
    }
    fclose(from);
    zmq_close(socket);
    zmq_ctx_term(context);
    return code;
}
