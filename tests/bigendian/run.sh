#!/bin/sh
# run.sh SOURCE_DIR WORK_DIR [HOST_CC [BIG_CC [BIG_RUN]]]: names on this machine and on a big-endian one are the same bytes.
set -eu
source=$1 work=$2 host_cc=${3:-cc} big_cc=${4:-s390x-linux-gnu-gcc} big_run=${5:-qemu-s390x-static}
mkdir -p "$work/xxhash"
ln -sf /usr/include/xxhash.h "$work/xxhash/" # alone: the host's other headers are not for the other machine

core="$source/core/allocator.c $source/core/blake3.c $source/core/config.c $source/core/random.c $source/core/status.c $source/core/text.c $source/tests/bigendian/sha256.c"

build() { # compiler, program, sources: the plain naming loops only, and of core what they need
    compiler=$1 program=$2
    shift 2
    # shellcheck disable=SC2046,SC2086 # lists of files
    "$compiler" -std=c17 -O2 -Wall -Wextra -Werror -static -D_POSIX_C_SOURCE=200809L -D_DEFAULT_SOURCE -isystem "$work/xxhash" \
        -I"$source/include" -I"$source/tests/bigendian" -I"$source/hashing" -I"$source/logical" -o "$work/$program" "$@" $core \
        $(ls "$source"/hashing/*.c "$source"/hashing/*/*.c | grep -v -e naming_avx) -pthread
}

same() { # name, sources
    name=$1
    shift
    build "$host_cc" "$name-host" "$@"
    build "$big_cc" "$name-big" "$@"
    "$work/$name-host" >"$work/$name-host.txt"
    "$big_run" "$work/$name-big" >"$work/$name-big.txt"
    diff -u "$work/$name-host.txt" "$work/$name-big.txt"
    echo "$name: $(wc -l <"$work/$name-big.txt") lines are the same"
}

same names "$source/tests/bigendian/names.c"
tail -1 "$work/names-big.txt" | grep -qx done
# shellcheck disable=SC2046
same pool "$source/tests/consumer/pool.c" $(ls "$source"/logical/*/*.c)
