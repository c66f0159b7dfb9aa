#include <kvlogical/manager.h>
