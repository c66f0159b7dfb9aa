#!/bin/bash
# program.sh BUILD WORK: does the installed program run, wherever its prefix was moved to, with the libraries beside it?
set -euo pipefail
rm -rf "$2"
mkdir -p "$2"
cmake --install "$1" --prefix "$2/installed" >"$2/log"
mv "$2/installed" "$2/moved"
program=$2/moved/bin/kvstrata
env -u LD_LIBRARY_PATH "$program" --version
if readelf -d "$program" | grep 'NEEDED.*libkv'; then
    found=$(ldd "$program" | awk '/libkv/ {print $3}')
    while IFS= read -r library; do
        [[ $(realpath "$library") == "$(realpath "$2/moved")"/* ]] || { echo "it uses $library, not its own" >&2; exit 1; }
    done <<<"$found"
fi
"$program" generate | "$program" replay - --capacity 100,unbounded | tail -n 2
