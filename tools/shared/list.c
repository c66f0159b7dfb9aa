#include "shared/list.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

void *list_room(const char *list, size_t item_bytes) {
    size_t count = 1;
    for (; *list != '\0'; list++) count += *list == ',';
    return calloc(count, item_bytes);
}

char *list_next(char **list) {
    char *item = *list;
    if (item == NULL) return NULL;
    char *comma = strchr(item, ',');
    *list = comma != NULL ? comma + 1 : NULL;
    if (comma != NULL) *comma = '\0';
    return item;
}

void list_add(uint64_t number, uint64_t *numbers, size_t *count) {
    bool known = false;
    for (size_t i = 0; i < *count; i++) known |= numbers[i] == number;
    if (!known) numbers[(*count)++] = number;
}
