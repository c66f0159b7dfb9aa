/* Text from outside, such as file names and what files hold, for a terminal. */
#ifndef TOOLS_PLAIN_H
#define TOOLS_PLAIN_H

#include <stdio.h>

/* The text with every byte that a terminal may obey as \xNN: control characters, C1 ones too, and what is not UTF-8. */
void print_plain(FILE *to, const char *text);

#endif
