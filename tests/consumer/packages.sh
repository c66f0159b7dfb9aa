#!/bin/bash
# packages.sh SOURCE WORK: do the Debian packages hold what their users need? Builds them, unpacks them into a clean root, and builds
# and runs strangers' programs against that root. CC and CXX choose the compilers. WORK is overwritten. 77 where it cannot be asked.
set -euo pipefail
source_tree=$(realpath "$1")
here=$(dirname "$(realpath "$0")")
rm -rf "$2"
mkdir -p "$2"
work=$(realpath "$2")
cd "$work"
CC=${CC:-cc} CXX=${CXX:-c++}
export CC CXX

for tool in dpkg-deb dpkg-shlibdeps dpkg-architecture; do
    command -v $tool >/dev/null || { echo "skipped: no $tool here"; exit 77; }
done

fail() {
    echo "packages: $*" >&2
    exit 1
}

quietly() {
    local said
    said=$("$@" 2>&1) || fail "$* failed: $said"
}

echo "-- built with the prefix /usr, packed"
quietly cmake -S "$source_tree" -B build -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX=/usr
quietly cmake --build build
(cd build && quietly cpack -B "$work/packages")
arch=$(dpkg --print-architecture) multiarch=$(dpkg-architecture -qDEB_HOST_MULTIARCH)
runtime=packages/libkvstrata0.1_0.1.0_$arch.deb
development=packages/libkvstrata-dev_0.1.0_$arch.deb
tools=packages/kvstrata_0.1.0_$arch.deb

echo "-- each package asks for what it needs and owns what it should"
depends() { dpkg-deb -f "$1" Depends; }
[[ $(depends "$runtime") == *"libc6 (>="* ]] || fail "the libraries depend on: $(depends "$runtime")"
for package in "$development" "$tools"; do
    [[ $(depends "$package") == *"libkvstrata0.1 (= 0.1.0)"* ]] || fail "$package depends on: $(depends "$package")"
done
[[ $(depends "$development") != *libkvstrata-dev* && $(depends "$runtime") != *-dev* ]] || fail "the libraries ask for headers"
owns() { dpkg-deb -c "$1" | awk '{print $6}'; }
owns "$runtime" | grep -qx "./usr/lib/$multiarch/libkvlogical.so.0.1.0" || fail "the libraries are not in /usr/lib/$multiarch"
if owns "$runtime" | grep -E '\.(h|a|so|pc|cmake)$'; then fail "the libraries' package holds files of development"; fi
if sort <(owns "$runtime") <(owns "$development") <(owns "$tools") | grep -v '/$' | uniq -d | grep .; then
    fail "these files are in two packages"
fi
for package in "$runtime" "$development" "$tools"; do
    owns "$package" | grep -q '/usr/share/doc/.*/copyright$' || fail "$package has no copyright file"
done

echo "-- strangers' programs, by find_package and pkg-config, shared and static"
mkdir unpacked libraries
for package in "$runtime" "$development" "$tools"; do dpkg-deb -x "$package" unpacked; done
dpkg-deb -x "$runtime" libraries
if grep -rlF -e "$work" -e "$source_tree" unpacked; then fail "these files name the place of the build"; fi
for kind in shared static; do
    rm -rf stranger
    quietly cmake -S "$here/find_package" -B stranger -G Ninja -DCMAKE_BUILD_TYPE=Release "-DCMAKE_PREFIX_PATH=$work/unpacked/usr" \
        -DCOMPONENTS=logical -DKIND=_$kind
    quietly cmake --build stranger
    for program in stranger/*_c stranger/*_cpp; do LD_LIBRARY_PATH=$work/libraries/usr/lib/$multiarch quietly "$program"; done
done
export PKG_CONFIG_PATH=$work/unpacked/usr/lib/$multiarch/pkgconfig
read -ra flags < <(pkg-config --cflags --libs kvlogical)
quietly "$CC" "$here/pool.c" -o pool "${flags[@]}"
LD_LIBRARY_PATH=$work/libraries/usr/lib/$multiarch quietly ./pool # the libraries' package is enough to run it
read -ra flags < <(pkg-config --static --cflags --libs kvlogical)
quietly "$CC" "$here/pool.c" -o pool -static "${flags[@]}"
quietly ./pool
quietly env -u LD_LIBRARY_PATH unpacked/usr/bin/kvstrata --version
echo "all as promised"
