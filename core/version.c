#include <kvcore/version.h>

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)
#define VERSION TEXT(KVCORE_VERSION_MAJOR) "." TEXT(KVCORE_VERSION_MINOR) "." TEXT(KVCORE_VERSION_PATCH)

int kvcore_version_number(void) { return KVCORE_VERSION_NUMBER; }

const char *kvcore_version_text(void) { return VERSION; }
