#!/bin/sh
# no_machine_paths.sh SOURCE: no tracked file names a folder of somebody's machine, or a package registry of somebody's network.
# (Each pattern is written so that it does not match itself.)
cd "$1" && git rev-parse --git-dir >/dev/null 2>&1 || exit 77 # a tarball: nothing to ask
patterns='(^|[^A-Za-z0-9_.}])/([w]ork|[r]oot|[U]sers|[h]ome/[a-z]+)/|[a]rtifact-registry|[.]pkg[.]dev|--?index-[u]rl|[f]arm-'
if git grep -nIE -e "$patterns" -- .; then
    echo "tracked files name a machine or a registry" >&2
    exit 1
fi
