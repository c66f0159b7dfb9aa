#!/bin/sh
# run.sh SOURCE_DIR WORK_DIR [HOST_CC [BIG_CC [BIG_RUN]]]: names on this machine and on a big-endian one are the same bytes.
set -eu
source=$1 work=$2 host_cc=${3:-cc} big_cc=${4:-s390x-linux-gnu-gcc} big_run=${5:-qemu-s390x-static}
mkdir -p "$work/xxhash"
ln -sf /usr/include/xxhash.h "$work/xxhash/" # alone: the host's other headers are not for the other machine

build() { # compiler, program; the plain naming loops only
    "$1" -std=c17 -O2 -Wall -Wextra -Werror -static -D_POSIX_C_SOURCE=200809L -isystem "$work/xxhash" \
        -I"$source/include" -I"$source/hashing" -o "$2" "$source"/tests/bigendian/names.c \
        "$source"/core/allocator.c "$source"/core/config.c "$source"/core/status.c "$source"/core/text.c \
        $(ls "$source"/hashing/*.c | grep -v -e naming_avx)
}

build "$host_cc" "$work/names-host"
build "$big_cc" "$work/names-big"
"$work/names-host" >"$work/host.txt"
"$big_run" "$work/names-big" >"$work/big.txt"
tail -1 "$work/big.txt" | grep -qx done
diff -u "$work/host.txt" "$work/big.txt"
echo "$(wc -l <"$work/big.txt") lines are the same"
