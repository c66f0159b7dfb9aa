#!/bin/bash
# run.sh SOURCE WORK: is kvstrata, installed or inside another build, what its users were promised? Installs it twice (the
# two usual library folders), moves both prefixes, and builds strangers' programs against them and against the source.
# CC and CXX choose the compilers. WORK is overwritten.
set -euo pipefail
source_tree=$(realpath "$1")
mkdir -p "$2"
work=$(realpath "$2")
here=$(dirname "$(realpath "$0")")
CC=${CC:-cc} CXX=${CXX:-c++}
export CC CXX
rm -rf "${work:?}"/*
cd "$work"

say() { echo "-- $*"; }
fail() {
    echo "consumer: $*" >&2
    exit 1
}

# A command that has to fail and say these words (its line breaks do not count).
refused() { # words command…
    local words=$1 said
    shift
    rm -rf refused
    if said=$("$@" 2>&1); then fail "was not refused: $*"; fi
    tr -s ' \n' '  ' <<<"$said" | grep -qF -- "$words" || fail "did not say \"$words\": $said"
}

quietly() {
    local said
    said=$("$@" 2>&1) || fail "$* failed: $said"
}

# The programs run; they need libkv… at run time (shared) or do not (static).
runs() { # shared|static program…
    local kind=$1 program needed
    shift
    for program; do
        "$program" >"$program.out" || fail "$program failed: $(cat "$program.out")"
        needed=$(readelf -d "$program" | grep -c 'NEEDED.*libkv' || true)
        [[ $kind == shared && $needed != 0 || $kind == static && $needed == 0 ]] || fail "$program is not linked $kind"
    done
}

# ---------------------------------------------------------------- install, and move away from where it was installed
say "the source, copied without its repository"
mkdir source
tar -C "$source_tree" --exclude=./build --exclude='./build-*' --exclude=./.git -cf - . | tar -C source -xf -
listing() { find source -printf '%p %s %T@\n' | sort; }
listing >before

say "built with no C++ compiler at hand, installed, moved"
layouts=()
for libdir in lib lib/x86_64-linux-gnu; do
    CXX=/nonexistent quietly cmake -S source -B build -G Ninja -DCMAKE_BUILD_TYPE=Release -DKVSTRATA_BUILD_TOOLS=OFF \
        -DCMAKE_INSTALL_LIBDIR=$libdir -DCMAKE_INSTALL_PREFIX="$work/installed"
    quietly cmake --build build
    quietly cmake --install build
    layouts+=("moved-$((${#layouts[@]} + 1))")
    mv installed "${layouts[-1]}"
done
rm -rf build
for prefix in "${layouts[@]}"; do
    if grep -rlF -e "$work" -e "$source_tree" "$prefix"; then fail "these installed files name the place of the build"; fi
    libdir=$(dirname "$(find "$prefix" -name libkvhash.so)")
    for library in "$libdir"/libkv*.so; do
        name=$(basename "$library")
        facts=$(readelf -d "$library")
        grep -q "SONAME.*\[$name\.0\.1\]" <<<"$facts" || fail "$name has not the SONAME $name.0.1"
        grep -q 'RUNPATH.*\[\$ORIGIN\]' <<<"$facts" || fail "$name does not look beside itself for its siblings"
    done
done

# ---------------------------------------------------------------- find_package
stranger() { # build folder, options…
    cmake -S "$here/find_package" -B "$1" -G Ninja -DCMAKE_BUILD_TYPE=Release "${@:2}"
}
links() { # shared|static, prefix, options…
    rm -rf stranger
    quietly stranger stranger -DCMAKE_PREFIX_PATH="$work/$2" "${@:3}"
    quietly cmake --build stranger
    runs "$1" stranger/*_c stranger/*_cpp
}
say "find_package: shared by default, static when asked, and each by its own name"
for prefix in "${layouts[@]}"; do
    links shared "$prefix" -DCOMPONENTS=hash
    links static "$prefix" -DCOMPONENTS=hash -DKVSTRATA_USE_STATIC_LIBS=ON
done
links shared moved-1 -DCOMPONENTS=hash -DKIND=_shared -DKVSTRATA_USE_STATIC_LIBS=ON
links static moved-1 -DCOMPONENTS=hash -DKIND=_static
say "find_package: components together, in any order, and a version"
links shared moved-1 "-DCOMPONENTS=core;hash" -DVERSION=0.1
links shared moved-1 "-DCOMPONENTS=logical;core" -DVERSION=0.1.0
links static moved-1 "-DCOMPONENTS=logical;hash;core" -DKIND=_static
links shared moved-1 "-DCOMPONENTS=format;core"
links static moved-1 "-DCOMPONENTS=hash;content" -DKIND=_static
links static moved-1 "-DCOMPONENTS=format;hash" -DKIND=_static
links shared moved-1 "-DCOMPONENTS=wombat"
say "find_package: the header for C++ alone brings the libraries under it, of either kind"
links shared moved-1 -DCOMPONENTS=cpp
links static moved-2 -DCOMPONENTS=cpp -DKVSTRATA_USE_STATIC_LIBS=ON
say "find_package: what is not there is refused"
refused "has no component 'nosuch'. It has: core, content, hash, logical" \
    stranger refused -DCMAKE_PREFIX_PATH="$work/moved-1" "-DCOMPONENTS=hash;nosuch"
for version in 0.2 1.0 0.1.9; do
    refused "compatible with requested version \"$version\"" \
        stranger refused -DCMAKE_PREFIX_PATH="$work/moved-1" -DCOMPONENTS=hash -DVERSION=$version
done

# ---------------------------------------------------------------- pkg-config
say "pkg-config: shared and static, C and C++"
for prefix in "${layouts[@]}"; do
    libdir=$(dirname "$(find "$prefix" -name libkvhash.so)")
    export PKG_CONFIG_PATH=$work/$libdir/pkgconfig
    for program in names pool; do
        module=kvhash
        [[ $program != pool ]] || module=kvlogical
        read -ra flags < <(pkg-config --cflags --libs $module)
        quietly "$CC" "$here/$program.c" -o pc_c "${flags[@]}" -Wl,-rpath,"$work/$libdir"
        quietly "$CXX" "$here/$program.cpp" -o pc_cpp "${flags[@]}" -Wl,-rpath,"$work/$libdir"
        runs shared ./pc_c ./pc_cpp
        read -ra flags < <(pkg-config --static --cflags --libs $module)
        quietly "$CC" "$here/$program.c" -o pc_c -static "${flags[@]}"
        quietly "$CXX" "$here/$program.cpp" -o pc_cpp -static "${flags[@]}"
        runs static ./pc_c ./pc_cpp
    done
    [[ $(pkg-config --modversion kvcore) == 0.1.0 ]] || fail "pkg-config says version $(pkg-config --modversion kvcore)"
    if pkg-config --exists 'kvcore >= 9'; then fail "pkg-config takes version 0.1.0 for 9"; fi
done

say "archives: a program may have functions of any name of its own"
PKG_CONFIG_PATH=$work/moved-1/lib/pkgconfig
read -ra flags < <(pkg-config --static --cflags --libs kvradix)
quietly "$CC" "$here/clash.c" -o clash -static "${flags[@]}"
runs static ./clash

# ---------------------------------------------------------------- add_subdirectory
say "add_subdirectory: libraries only, the parent's flags untouched"
quietly cmake -S "$here/subproject" -B parent -G Ninja -DKVSTRATA_SOURCE="$work/source"
quietly cmake --build parent
runs shared parent/pool_c parent/pool_hpp
runs static parent/names_cpp
ctest --test-dir parent -N | grep -q 'Total Tests: 0' || fail "the parent got tests of ours"
quietly cmake --install parent --prefix "$work/parent-installed"
if find parent-installed -name '*kv*' 2>/dev/null | grep .; then fail "the parent's install brought files of ours"; fi

listing >after
diff before after || fail "the build wrote into the source tree"
say "all as promised"
