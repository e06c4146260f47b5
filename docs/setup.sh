#!/usr/bin/env bash
# Installs what building, signing and test-loading a driver needs on Debian or Ubuntu.
set -euo pipefail

usage() {
    cat <<'HELP'
usage: docs/setup.sh [--targets LIST] [--toolchain auto|rustup|distro] [--no-wine]
                     [--no-cargo-make] [--with PROGRAM]... [--env]

Installs the missing system packages (gcc, openssl, osslsigncode, lld, wine64, python3-venv), a
Rust toolchain with the driver targets, and cargo-make. Run it as root or as a user who can use
sudo. It does not change what is already installed, so a second run only checks.

  --targets LIST     driver targets (x86_64, i686, aarch64), separated by commas; default: x86_64
  --toolchain HOW    where the targets come from (or set KDRVGEN_SETUP_TOOLCHAIN):
                       rustup  `rustup target add`
                       distro  the distribution's compiler and library sources: core, alloc and
                               compiler_builtins are built into a folder of yours
                       auto    rustup if possible, else distro (the default)
  --no-wine          leave out Wine, which only test-loading needs
  --no-cargo-make    leave out cargo-make, whose compilation takes most of the time
  --with PROGRAM     another program, from the package of the same name, or PROGRAM=PACKAGE
  --env              print the shell commands that make everything available:
                       env=$(docs/setup.sh --env) && eval "$env"
                     They set PATH, KDRVGEN_PYTHON (a Python of 3.11 or later that can make
                     virtual environments) and RUSTUP_TOOLCHAIN.
  --help             print this text

It keeps its own files in ${XDG_CACHE_HOME:-~/.cache}/kdrvgen, which you can delete at any time.
cargo-make is installed where `cargo install` puts it.
HELP
}

readonly CARGO_MAKE_VERSION=0.37.24
# The example driver's rust-version: C string literals and offset_of!.
readonly OLDEST_RUSTC=1.77
# Older ones take /KERNEL and /RELEASE for file names.
readonly OLDEST_LLD=15
# A package mirror answers within seconds; a network that swallows packets never does.
readonly RUSTUP_SECONDS=120

say() { printf '%-10s %s\n' "$1" "$2" >&2; }

die() {
    printf 'setup.sh: error: %s\n' "$1" >&2
    exit "${2:-7}"
}

has() { command -v "$1" >/dev/null 2>&1; }

# at_least VERSION OLDEST
at_least() { [ "$(printf '%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif has sudo; then
        sudo "$@"
    else
        die "this needs root rights, and sudo is not installed; as root, run: $*"
    fi
}

# --- options ------------------------------------------------------------------------------------

targets=(x86_64-pc-windows-msvc)
how=${KDRVGEN_SETUP_TOOLCHAIN:-auto}
want_wine=yes
want_cargo_make=yes
print_env=no
extra=()

value_of() { [ $# -ge 2 ] || die "$1 needs a value; see --help" 2; }

while [ $# -gt 0 ]; do
    case $1 in
        --targets)
            value_of "$@"
            targets=()
            for machine in ${2//,/ }; do
                case ${machine%-pc-windows-msvc} in
                    x86_64 | i686 | aarch64) targets+=("${machine%-pc-windows-msvc}-pc-windows-msvc") ;;
                    *) die "unknown target '$machine': use x86_64, i686 or aarch64" 2 ;;
                esac
            done
            shift
            ;;
        --toolchain)
            value_of "$@"
            how=$2
            shift
            ;;
        --no-wine) want_wine=no ;;
        --no-cargo-make) want_cargo_make=no ;;
        --with)
            value_of "$@"
            extra+=("$2")
            shift
            ;;
        --env) print_env=yes ;;
        --help | -h)
            usage
            exit 0
            ;;
        *) die "unknown argument '$1'; see --help" 2 ;;
    esac
    shift
done
case $how in
    auto | rustup | distro) ;;
    *) die "unknown toolchain source '$how': use auto, rustup or distro" 2 ;;
esac
[ ${#targets[@]} -gt 0 ] || die "--targets names no target; see --help" 2

: "${HOME:?is not set}"
cache=${XDG_CACHE_HOME:-$HOME/.cache}/kdrvgen
shims=$cache/bin
cargo_bin=${CARGO_INSTALL_ROOT:-${CARGO_HOME:-$HOME/.cargo}}/bin
mkdir -p "$cache"

# The caller's PATH is where things are looked for, and these are where this script puts them.
PATH=$PATH:$cargo_bin:${CARGO_HOME:-$HOME/.cargo}/bin

exec 9>"$cache/setup.lock"
if ! flock --nonblock 9; then
    say waiting "for another setup.sh to finish"
    flock 9
fi

# What a killed run left behind.
rm -rf "$cache"/tmp.*
scratch=
trap '[ -z "$scratch" ] || rm -rf "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# On the file system of the cache, so that what was made there can be renamed into place.
make_scratch() {
    [ -n "$scratch" ] || scratch=$(mktemp -d "$cache/tmp.XXXXXXXX")
}

# --- system packages ----------------------------------------------------------------------------

apt_updated=no

# Children close the lock's descriptor: a daemon that one of them starts must not keep the lock.
apt_update() {
    [ $apt_updated = no ] || return 0
    has apt-get || die "this machine has no apt-get; install by hand: $*"
    say updating "the list of packages"
    [ "$(id -u)" = 0 ] || has sudo ||
        die "this needs root rights, and sudo is not installed; as root, run: apt-get install $*"
    as_root apt-get update -qq >&2 9>&- || die "apt-get update failed"
    apt_updated=yes
}

apt_has() {
    local candidate
    candidate=$(apt-cache policy "$1" 2>/dev/null | sed -n 's/^ *Candidate: *//p')
    [ -n "$candidate" ] && [ "$candidate" != "(none)" ]
}

# --no-remove: a package that stands in the way is the user's, and apt's message names it.
apt_install() {
    say installing "$*"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends \
        --no-remove -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0 "$@" >&2 9>&- ||
        die "apt-get could not install: $*"
}

find_lld() {
    local found
    found=$({ compgen -G '/usr/bin/lld-link-*' || :; } | sort -V | tail -n 1)
    if [ -n "$found" ] && [ "${found##*-}" -ge $OLDEST_LLD ]; then
        printf '%s\n' "$found"
    elif has lld-link; then
        found=$(lld-link --version | sed -n 's/.*LLD \([0-9]*\).*/\1/p')
        [ "${found:-0}" -ge $OLDEST_LLD ] && command -v lld-link
    else
        return 1
    fi
}

best_lld_package() {
    local best
    best=$(apt-cache search --names-only '^lld-[0-9]+$' | sed 's/ .*//' | sort -V | tail -n 1)
    if [ -z "$best" ] || [ "${best#lld-}" -lt $OLDEST_LLD ]; then
        die "this system's packages have no lld of version $OLDEST_LLD or later"
    fi
    printf '%s\n' "$best"
}

# Debian's wine64 puts nothing on PATH, and its loader does not run through a symbolic link.
find_wine() {
    local candidate
    for candidate in /usr/lib/wine/wine64 "$(command -v wine64)" "$(command -v wine)"; do
        if [ -x "$candidate" ] && [ "$candidate" != "$shims/wine" ]; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    return 1
}

find_python() {
    local name
    for name in python3 python3.14 python3.13 python3.12 python3.11; do
        if "$name" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            "$name" -c 'import sys; print(sys.executable)'
            return
        fi
    done
    return 1
}

missing=()
has cc || missing+=(gcc libc6-dev)
has openssl || missing+=(openssl)
has osslsigncode || missing+=(osslsigncode)
[ -e /etc/ssl/certs/ca-certificates.crt ] || missing+=(ca-certificates)
[ $want_wine = no ] || find_wine >/dev/null || missing+=(wine64)
python=$(find_python) || missing+=(python3-venv)
for program in "${extra[@]}"; do
    has "${program%%=*}" || missing+=("${program#*=}")
done
lld=$(find_lld) || lld=
if [ -z "$lld" ] || [ ${#missing[@]} -gt 0 ]; then
    apt_update "lld ${missing[*]}"
    [ -n "$lld" ] || missing+=("$(best_lld_package)")
    apt_install "${missing[@]}"
fi
lld=$(find_lld) || die "lld was installed and no lld-link of version $OLDEST_LLD or later is found"
say found "gcc, openssl, osslsigncode${extra[*]:+, ${extra[*]%%=*}}"
say found "lld-link ($lld)"
if [ $want_wine = yes ]; then
    wine=$(find_wine) || die "wine64 was installed and no wine is found"
    say found "wine ($wine)"
fi
if [ -z "$python" ]; then
    python=$(find_python) || die "Python 3.11 or later with its venv module is needed; this system's is older"
fi
say found "$("$python" --version) ($python)"

# --- the Rust toolchain -------------------------------------------------------------------------

# Each of these functions sets `toolchain`, a folder with bin/ and lib/rustlib/, and
# `toolchain_name`, if rustup must get the name of the toolchain.
toolchain=
toolchain_name=

has_target() { compgen -G "$1/lib/rustlib/$2/lib/libcore-*.rlib" >/dev/null; }

lacking() {
    local target
    for target in "${targets[@]}"; do
        has_target "$1" "$target" || printf '%s\n' "$target"
    done
}

is_rustup_proxy() { [[ $(readlink -f "$1") == */rustup* ]]; }

from_rustup() {
    local wanted
    if ! rustup show active-toolchain >/dev/null 2>&1; then
        say installing "Rust's stable toolchain with rustup"
        timeout --foreground $((3 * RUSTUP_SECONDS)) env -u RUST_BACKTRACE rustup toolchain install stable --profile minimal >&2 9>&- || return 1
        rustup default stable >&2 || return 1
    fi
    toolchain=$(rustc --print sysroot) || return 1
    mapfile -t wanted < <(lacking "$toolchain")
    if [ ${#wanted[@]} -gt 0 ]; then
        say adding "${wanted[*]} with rustup"
        timeout --foreground $RUSTUP_SECONDS env -u RUST_BACKTRACE rustup target add "${wanted[@]}" >&2 9>&- || return 1
    fi
    toolchain_name=$(rustup show active-toolchain | sed 's/ .*//')
}

# The distribution's own compiler, with the sources of its library.
distro_rustc=

find_distro_rustc() {
    local candidate version root
    for candidate in /usr/bin/rustc $({ compgen -G '/usr/bin/rustc-[0-9]*' || :; } | sort -rV); do
        if [ ! -x "$candidate" ] || is_rustup_proxy "$candidate"; then
            continue
        fi
        version=$("$candidate" --version | cut -d ' ' -f 2)
        root=$("$candidate" --print sysroot)
        if at_least "$version" $OLDEST_RUSTC && [ -x "${candidate/rustc/cargo}" ] &&
            [ -e "$root/lib/rustlib/src/rust/library/core/src/lib.rs" ]; then
            distro_rustc=$candidate
            return
        fi
    done
    return 1
}

# Debian keeps a recent compiler beside the old one as rustc-web, Ubuntu as rustc-1.NN.
install_distro_rustc() {
    local versioned package version
    apt_update "rustc, cargo and the sources of Rust's library"
    versioned=$(apt-cache search --names-only '^rustc-1\.[0-9]+$' | sed 's/ .*//' | sort -rV)
    for package in rustc-web rustc $versioned; do
        if ! apt_has "$package" || ! apt_has "${package/rustc/cargo}"; then
            continue
        fi
        version=$(apt-cache policy "$package" | sed -n 's/^ *Candidate: *//p')
        at_least "$version" $OLDEST_RUSTC || continue
        apt_install "$package" "${package/rustc/cargo}" "${package/rustc/rust}-src"
        find_distro_rustc || die "$package was installed, and no rustc with library sources is found"
        return
    done
    return 1
}

# build_targets RUSTC FOLDER TARGET...: builds the targets' libraries, one subfolder each.
build_targets() {
    local rustc=$1 folder=$2 vendor target crate options=()
    shift 2
    mkdir -p "$folder/crate/src"
    printf '[package]\nname = "std-builder"\nedition = "2021"\n[workspace]\n' >"$folder/crate/Cargo.toml"
    printf '#![no_std]\n' >"$folder/crate/src/lib.rs"
    vendor=$("$rustc" --print sysroot)/lib/rustlib/src/rust/library/vendor
    if [ -d "$vendor" ]; then
        options+=(--config "source.crates-io.replace-with='vendored'"
            --config "source.vendored.directory='$vendor'")
    fi
    for target in "$@"; do options+=(--target "$target"); done
    # RUSTC_BOOTSTRAP: -Z is all that is wanted of a nightly compiler. embed-bitcode: or drivers
    # with `lto = true` do not link. env -C: the caller's folder may hold a cargo configuration.
    env -C "$folder/crate" -u CARGO_ENCODED_RUSTFLAGS -u RUSTC_WRAPPER \
        RUSTC_BOOTSTRAP=1 RUSTC="$rustc" RUSTFLAGS="-C embed-bitcode=yes" CARGO_TARGET_DIR="$folder/build" \
        "${rustc/rustc/cargo}" build --quiet --release -Z build-std=core,alloc \
        -Z build-std-features=compiler-builtins-mem "${options[@]}" >&2 9>&-
    for target in "$@"; do
        mkdir -p "$folder/$target/lib"
        for crate in core alloc compiler_builtins; do
            cp "$folder/build/$target/release/deps/lib$crate-"*.rlib "$folder/$target/lib/"
        done
    done
}

distro_toolchain() {
    printf '%s/toolchain-%s\n' "$cache" "$("$distro_rustc" -vV | sha256sum | cut -c 1-12)"
}

# Makes an own toolchain of the distribution's compiler and the targets it lacks: a wrapper that
# names another sysroot, in which all but those targets are links. The system's folders stay as
# the package manager left them.
from_distro() {
    local rustc=$distro_rustc system host entry wanted target
    system=$("$rustc" --print sysroot)
    host=$("$rustc" -vV | sed -n 's/^host: //p')
    toolchain=$(distro_toolchain)
    if [ ! -d "$toolchain" ]; then
        make_scratch
        mkdir -p "$scratch/new/bin" "$scratch/new/lib/rustlib/$host/bin"
        for entry in rustc rustdoc; do
            printf '#!/bin/sh\nexec %q --sysroot %q "$@"\n' \
                "${rustc/rustc/$entry}" "$toolchain" >"$scratch/new/bin/$entry"
            chmod +x "$scratch/new/bin/$entry"
        done
        ln -s "${rustc/rustc/cargo}" "$scratch/new/bin/cargo"
        ln -s "$system/lib/rustlib/$host/lib" "$scratch/new/lib/rustlib/$host/lib"
        ln -s "$system/lib/rustlib/src" "$scratch/new/lib/rustlib/src"
        mv "$scratch/new" "$toolchain"
    fi
    # Linked again each time: lld may have been upgraded to another name.
    ln -sfn "$(readlink -f "${lld/lld-link/lld}")" "$toolchain/lib/rustlib/$host/bin/rust-lld"
    mapfile -t wanted < <(lacking "$toolchain")
    if [ ${#wanted[@]} -gt 0 ]; then
        say building "Rust's core library for ${wanted[*]} (under a minute each)"
        make_scratch
        build_targets "$rustc" "$scratch/std" "${wanted[@]}"
        for target in "${wanted[@]}"; do
            rm -rf "$toolchain/lib/rustlib/$target"
            mv "$scratch/std/$target" "$toolchain/lib/rustlib/$target"
        done
    fi
    if has rustup; then
        toolchain_name=kdrvgen
        if [ "$(readlink -f "$(rustup which --toolchain kdrvgen cargo 2>/dev/null)")" != \
            "$(readlink -f "$toolchain/bin/cargo")" ] ||
            [ "$(rustc +kdrvgen --print sysroot 2>/dev/null)" != "$toolchain" ]; then
            rustup toolchain link kdrvgen "$toolchain" >&2
        fi
    fi
}

# Whether the own toolchain can be had at once, so that rustup need not be waited for.
distro_is_ready() {
    local folder
    find_distro_rustc && folder=$(distro_toolchain) && [ -d "$folder" ] && [ -z "$(lacking "$folder")" ]
}

current_is_enough() {
    local version
    has cargo && version=$(rustc --version 2>/dev/null | cut -d ' ' -f 2) &&
        at_least "$version" $OLDEST_RUSTC && toolchain=$(rustc --print sysroot) &&
        [ -z "$(lacking "$toolchain")" ] || return 1
    ! has rustup || toolchain_name=$(rustup show active-toolchain | sed 's/ .*//')
}

install_rustup() {
    has rustup && return
    apt_update rustup
    apt_has rustup || return 1
    apt_install rustup
}

case $how in
    rustup)
        install_rustup || die "rustup is not installed and this system has no package of it; see https://rustup.rs"
        from_rustup || die "rustup could not install ${targets[*]}; try --toolchain distro"
        ;;
    distro)
        find_distro_rustc || install_distro_rustc ||
            die "this system has no Rust compiler of $OLDEST_RUSTC or later as a package; try --toolchain rustup"
        from_distro
        ;;
    auto)
        if current_is_enough; then
            :
        elif distro_is_ready; then
            from_distro
        elif has rustup && from_rustup; then
            :
        elif find_distro_rustc || install_distro_rustc; then
            from_distro
        elif install_rustup && from_rustup; then
            :
        else
            die "neither rustup nor this system's packages give a Rust compiler with ${targets[*]}"
        fi
        ;;
esac
[ -z "$toolchain_name" ] || export RUSTUP_TOOLCHAIN=$toolchain_name
[ -n "$toolchain_name" ] || PATH=$toolchain/bin:$PATH
say found "$(rustc --version | cut -d ' ' -f 1,2) with ${targets[*]} ($toolchain)"

# --- cargo-make ---------------------------------------------------------------------------------

cargo_make_version() { { cargo-make make --version 2>/dev/null || :; } | sed -n 's/^cargo-make //p'; }

version=$(cargo_make_version)
if [ $want_cargo_make = yes ] && ! at_least "${version:-0}" $CARGO_MAKE_VERSION; then
    say installing "cargo-make $CARGO_MAKE_VERSION (compiled here: about one minute)"
    make_scratch
    # A tool that waits for other programs needs no optimisation, except where it parses TOML: that
    # is most of its own time. cargo puts the program in place only when it is complete.
    optimised=()
    for crate in toml toml_edit winnow serde; do
        optimised+=(--config "profile.release.package.$crate.opt-level=1")
    done
    CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
        CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_TARGET_DIR=$scratch/cargo-make \
        cargo install --quiet --locked --no-default-features --force --bin cargo-make \
        "${optimised[@]}" --version $CARGO_MAKE_VERSION cargo-make >&2 9>&- ||
        die "cargo-make could not be installed"
    hash -r
    version=$(cargo_make_version)
fi
[ $want_cargo_make = no ] || say found "cargo-make $version ($(command -v cargo-make))"

# --- the environment ----------------------------------------------------------------------------

# shim NAME COMMAND: a program of another name or place, under its own name on PATH.
shim() {
    local text
    text=$(printf '#!/bin/sh\nexec %q "$@"\n' "$2")
    if [ "$(cat "$shims/$1" 2>/dev/null)" != "$text" ]; then
        mkdir -p "$shims"
        make_scratch
        printf '%s\n' "$text" >"$scratch/$1"
        chmod +x "$scratch/$1"
        mv "$scratch/$1" "$shims/$1"
    fi
}

shim lld-link "$lld"
if [ $want_wine = yes ]; then
    shim wine "$wine"
    server=$(dirname "$wine")/wineserver
    [ ! -x "$server" ] || shim wineserver "$server"
fi

if [ $print_env = yes ]; then
    printf 'export KDRVGEN_PYTHON=%q\n' "$python"
    # shellcheck disable=SC2016 # for the caller's shell to expand
    printf 'export PATH=%q:%q"${PATH:+:$PATH}"\n' "$shims" "$cargo_bin"
    if [ -n "$toolchain_name" ]; then
        printf 'export RUSTUP_TOOLCHAIN=%q\n' "$toolchain_name"
    else
        # shellcheck disable=SC2016
        printf 'export PATH=%q:"$PATH"\n' "$toolchain/bin"
    fi
else
    say ready "to put it to use in this shell: env=\$($0 --env) && eval \"\$env\""
fi
