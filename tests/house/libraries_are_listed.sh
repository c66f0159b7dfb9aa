#!/bin/bash
# libraries_are_listed.sh SOURCE: each library has its row in README.md and docs/architecture.md, and a README in its folder or the
# one above.
set -uo pipefail
cd "$1" || exit 1
lost=0 libraries=0
while IFS=: read -r file library; do
    libraries=$((libraries + 1))
    for page in README.md docs/architecture.md; do
        grep -q "\`kvstrata::$library\`" "$page" || { echo "$page does not list kvstrata::$library"; lost=1; }
    done
    folder=$(dirname "$file")
    [[ -f $folder/README.md || ( $folder == */* && -f $(dirname "$folder")/README.md ) ]] || { echo "$folder has no README.md"; lost=1; }
done < <(find . -name CMakeLists.txt -not -path './build*' -not -path './tests/*' -exec grep -oE 'kv_add_library\([a-z0-9_]+' {} + |
    sed 's/kv_add_library(//; s|^\./||')
echo "$libraries libraries"
((libraries > 0)) || exit 1
exit $lost
