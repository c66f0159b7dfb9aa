# Sourced by ./demo and ./check: see that the packages they need are there, and install those that are not.
#
#     need demo          what it takes to build and run the program
#     need check         that, and what the tests, linters and fuzzers take
#
# A machine that has everything is asked for nothing. Elsewhere Debian's apt-get installs what is missing, as root or
# through sudo; without it the missing packages are listed by their Debian names.

# Who needs it, the package, and how to see that it is there (a command, a pkg-config module, or a file).
package_table() {
    cat <<'TABLE'
demo   gcc                      command  gcc
demo   libc6-dev                file     /usr/include/stdlib.h
demo   cmake                    command  cmake
demo   ninja-build              command  ninja
demo   pkg-config               command  pkg-config
demo   libxxhash-dev            module   libxxhash
demo   libjson-c-dev            module   json-c
demo   libssl-dev               module   libcrypto
demo   libjansson-dev           module   jansson
demo   libzstd-dev              module   libzstd
demo   libisal-dev              module   libisal
demo   zlib1g-dev               module   zlib
demo   libmsgpack-dev           module   msgpack
demo   libcurl4-openssl-dev     module   libcurl
demo   libexpat1-dev            module   expat
demo   libzmq3-dev              module   libzmq
demo   libmicrohttpd-dev        module   libmicrohttpd
check  g++                      command  g++
check  dpkg-dev                 command  dpkg-shlibdeps
check  libcmocka-dev            module   cmocka
check  libbenchmark-dev         module   benchmark
check  clang-14                 command  clang-14
check  libclang-rt-14-dev       file     /usr/lib/llvm-14/lib/clang/*/lib/linux/libclang_rt.fuzzer-*.a
check  llvm-14                  command  llvm-symbolizer-14
check  clang-format-14          command  clang-format-14
check  clang-tidy-14            command  clang-tidy-14
check  doxygen                  command  doxygen
check  mandoc                   command  mandoc
check  librsvg2-bin             command  rsvg-convert
check  fonts-dejavu-core        file     /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf
check  gcc-s390x-linux-gnu      command  s390x-linux-gnu-gcc
check  libc6-dev-s390x-cross    file     /usr/s390x-linux-gnu/include/stdlib.h
check  qemu-user-static         command  qemu-s390x-static
TABLE
}

have() { # kind name
    case $1 in
    command) command -v "$2" >/dev/null ;;
    module) command -v pkg-config >/dev/null && pkg-config --exists "$2" ;;
    file) compgen -G "$2" >/dev/null ;;
    esac
}

missing_packages() { # demo|check
    local who package kind name
    package_table | while read -r who package kind name; do
        [[ $1 == demo && $who == check ]] || have "$kind" "$name" || echo "$package"
    done
}

need() { # demo|check
    local missing log apt=(env DEBIAN_FRONTEND=noninteractive apt-get -qq)
    missing=($(missing_packages "$1"))
    ((${#missing[@]})) || return 0
    ((EUID == 0)) || apt=(sudo "${apt[@]}")
    if ! command -v apt-get >/dev/null || ! command -v "${apt[0]}" >/dev/null; then
        echo "These packages (Debian names) are missing, and there is no apt-get here, or no right to use it:" >&2
        printf '  %s\n' "${missing[@]}" >&2
        return 1
    fi
    echo "Installing ${missing[*]}"
    log=$(mktemp)
    { "${apt[@]}" update && "${apt[@]}" install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1 </dev/null ||
        tail -n 20 "$log" >&2
    rm -f "$log"
    missing=($(missing_packages "$1"))
    ((${#missing[@]} == 0)) || { echo "These packages could not be installed: ${missing[*]}" >&2; return 1; }
}
