#!/bin/bash
# links_lead_somewhere.sh SOURCE: every relative link of every tracked Markdown page leads to a file or folder.
set -uo pipefail
cd "$1" && git rev-parse --git-dir >/dev/null 2>&1 || exit 77 # a tarball: nothing to ask
lost=0 links=0
while IFS= read -r page; do
    while IFS= read -r target; do
        links=$((links + 1))
        [[ -e $(dirname "$page")/$target ]] || { echo "$page: $target"; lost=1; }
    done < <(grep -oE '\]\([^)# ]+' "$page" | cut -c3- | grep -vE '^[a-z]+:')
done < <(git ls-files '*.md')
echo "$links links"
exit $lost
