/* Comma separated lists of an option. */
#ifndef TOOLS_LIST_H
#define TOOLS_LIST_H

#include <stddef.h>
#include <stdint.h>

/* An array of zeros with room for every item of a list; NULL when memory is short. */
void *list_room(const char *list, size_t item_bytes);

/* Cut the next item off a list; NULL at its end. Unlike strtok, keeps empty items, so that they are refused. */
char *list_next(char **list);

/* Add a number that is not among the first *count yet. */
void list_add(uint64_t number, uint64_t *numbers, size_t *count);

#endif
