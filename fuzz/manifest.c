/* Manifests and deltas: the strict parser takes what the dispatching one takes, and no more. */
#include <stdbool.h>
#include <stdlib.h>

#include <kvwombat/manifest.h>

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    kvcore_bytes text = {data, size};
    const kvwombat_manifest *manifests[2] = {NULL, NULL};
    const kvwombat_delta *deltas[2] = {NULL, NULL};
    kvcore_error error;
    bool took[2][2];
    for (int parser = 0; parser < 2; parser++) {
        took[0][parser] =
            kvwombat_manifest_parse(text, (kvwombat_parser)parser, NULL, &manifests[parser], &error) == KVCORE_OK;
        took[1][parser] =
            kvwombat_delta_parse(text, (kvwombat_parser)parser, NULL, &deltas[parser], &error) == KVCORE_OK;
    }
    if (took[0][0] != took[0][1] || took[1][0] != took[1][1]) abort();
    for (int parser = 0; parser < 2; parser++) {
        if (took[0][parser] && manifests[parser]->schema_version != 1) abort();
        if (took[1][parser] && deltas[parser]->write_id.size_bytes == 0) abort();
        kvwombat_manifest_destroy(manifests[parser]);
        kvwombat_delta_destroy(deltas[parser]);
    }
    return 0;
}
