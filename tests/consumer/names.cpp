/* The headers and their inline functions are C++ too. */
#include "names.c"
