#!/usr/bin/env bash
# Makes the Windows in which the tests run the pipeline: a Wine prefix, cargo-make built for Windows,
# and stand-ins for signtool and cargo. Prints, on standard output, the folder of it all.
#
# What it takes: docs/setup.sh has been put to use (wine64, cargo), gcc-mingw-w64 for linking, and
# Rust's std for x86_64-pc-windows-gnu: rustup's, if it is installed or can be, else built from the
# library sources of the distribution's compiler (KDRVGEN_SETUP_TOOLCHAIN=distro: always this).
# A second run only looks. Everything lies in ${XDG_CACHE_HOME:-~/.cache}/kdrvgen.
set -euo pipefail

readonly TARGET=x86_64-pc-windows-gnu
readonly CARGO_MAKE_VERSION=0.37.24
readonly RUSTUP_SECONDS=120

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/kdrvgen
how=${KDRVGEN_SETUP_TOOLCHAIN:-auto}

say() { printf '%-10s %s\n' "$1" "$2" >&2; }

die() {
    printf 'tests/windows/setup.sh: error: %s\n' "$1" >&2
    exit 7
}

has() { command -v "$1" >/dev/null 2>&1; }

key_of() { sha256sum | cut -c 1-12; }

# remove_old PATTERN: removes what no checkout has used for two weeks.
remove_old() { find "$cache" -maxdepth 1 -name "$1" -mtime +14 -exec rm -r {} +; }

mkdir -p "$cache"
exec 9>"$cache/windows.lock"
flock 9
rm -rf "$cache"/windows-tmp.*
scratch=$(mktemp -d "$cache/windows-tmp.XXXXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# --- system packages ----------------------------------------------------------------------------

readonly LINKER=x86_64-w64-mingw32-gcc
if ! has $LINKER; then
    has apt-get || die "$LINKER is not installed (mingw-w64)"
    say installing gcc-mingw-w64-x86-64-win32
    root=()
    [ "$(id -u)" = 0 ] || root=(sudo)
    "${root[@]}" apt-get update -qq >&2 9>&-
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends \
        -o Dpkg::Use-Pty=0 gcc-mingw-w64-x86-64-win32 >&2 9>&- || die "apt-get could not install it"
fi

wine=
for candidate in /usr/lib/wine/wine64 "$(command -v wine64 || :)" "$(command -v wine || :)"; do
    if [ -x "$candidate" ]; then
        wine=$candidate
        break
    fi
done
[ -n "$wine" ] || die "Wine is not installed; docs/setup.sh does it"

server=$(dirname "$wine")/wineserver
[ -x "$server" ] || server=$(command -v wineserver) || die "Wine's wineserver is not installed"

# --- Rust for x86_64-pc-windows-gnu -------------------------------------------------------------

# These leave the compiler in `rustc` and the cargo that belongs to it in `cargo`.
rustc=
cargo=

has_std() { compgen -G "$1/lib/rustlib/$TARGET/lib/libstd-*.rlib" >/dev/null; }

from_rustup() {
    local sysroot
    has rustc && has cargo && sysroot=$(rustc --print sysroot 2>/dev/null) || return 1
    if ! has_std "$sysroot"; then
        has rustup && [[ $sysroot == */.rustup/* || $sysroot == "${RUSTUP_HOME:-none}"/* ]] || return 1
        # A linked toolchain takes no components.
        timeout --foreground $RUSTUP_SECONDS env -u RUST_BACKTRACE rustup target add $TARGET >&2 9>&- || return 1
        has_std "$sysroot" || return 1
    fi
    rustc=$(command -v rustc)
    cargo=$(command -v cargo)
}

from_distro() {
    local system=/usr/bin/rustc sources folder host options=()
    [ -x $system ] || return 1
    sources=$($system --print sysroot)/lib/rustlib/src/rust/library
    [ -e "$sources/std/src/lib.rs" ] || return 1
    folder=$cache/windows-toolchain-$($system -vV | key_of)
    rustc=$folder/bin/rustc
    cargo=/usr/bin/cargo
    ! has_std "$folder" || return 0
    say building "Rust's std for $TARGET (about a minute)"
    mkdir -p "$scratch/std/src" "$scratch/toolchain/bin" "$scratch/toolchain/lib/rustlib/$TARGET/lib"
    printf '[package]\nname = "std-builder"\nedition = "2021"\n[workspace]\n' >"$scratch/std/Cargo.toml"
    : >"$scratch/std/src/lib.rs"
    if [ -d "$sources/vendor" ]; then
        options=(--config "source.crates-io.replace-with='vendored'"
            --config "source.vendored.directory='$sources/vendor'")
    fi
    # Both panic runtimes: a program chooses, as with a downloaded std.
    env -C "$scratch/std" -u RUSTFLAGS -u CARGO_ENCODED_RUSTFLAGS -u RUSTC_WRAPPER RUSTC_BOOTSTRAP=1 \
        RUSTC=$system CARGO_TARGET_DIR="$scratch/std/target" \
        $cargo build --quiet --release -Z build-std=std,panic_abort,panic_unwind "${options[@]}" \
        --target $TARGET >&2 9>&-
    rm "$scratch/std/target/$TARGET/release/deps"/libstd_builder-*
    cp "$scratch/std/target/$TARGET/release/deps"/*.rlib "$scratch/toolchain/lib/rustlib/$TARGET/lib/"
    # The host's library too: build scripts and macros are compiled for it.
    host=$($system -vV | sed -n 's/^host: //p')
    mkdir -p "$scratch/toolchain/lib/rustlib/$host"
    ln -s "$($system --print sysroot)/lib/rustlib/$host/lib" "$scratch/toolchain/lib/rustlib/$host/lib"
    printf '#!/bin/sh\nexec %q --sysroot %q "$@"\n' $system "$folder" >"$scratch/toolchain/bin/rustc"
    chmod +x "$scratch/toolchain/bin/rustc"
    rm -rf "$folder"
    mv "$scratch/toolchain" "$folder"
}

case $how in
    distro) from_distro || die "the distribution's rustc with library sources is not installed (rustc-web, rust-web-src)" ;;
    *) from_rustup || from_distro || die "no Rust compiler here can compile for $TARGET" ;;
esac
say found "$("$rustc" --version) with $TARGET ($rustc)"

# Tools that wait for other programs need no long optimisation.
for_windows() {
    env -u RUSTFLAGS -u CARGO_ENCODED_RUSTFLAGS -u RUSTC_WRAPPER PATH="$(dirname "$rustc"):$PATH" RUSTC="$rustc" \
        CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER=$LINKER \
        CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
        CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_STRIP=symbols \
        nice "$cargo" "$@" --quiet --target $TARGET >&2 9>&-
}

# --- the programs -------------------------------------------------------------------------------

cargo_make=$cache/windows-cargo-make-$CARGO_MAKE_VERSION
if [ ! -e "$cargo_make/cargo-make.exe" ]; then
    say building "cargo-make $CARGO_MAKE_VERSION for Windows (three minutes)"
    CARGO_TARGET_DIR=$scratch/cargo-make for_windows install --locked --no-default-features --force --root "$scratch/root" \
        --version $CARGO_MAKE_VERSION cargo-make || die "cargo-make could not be built for Windows"
    mkdir -p "$cargo_make"
    mv "$scratch/root/bin/cargo-make.exe" "$cargo_make/"
fi

standins=$cache/windows-standins-$({
    "$rustc" -vV
    sha256sum <"$here/faults/wintrust.c"
    cd "$here/standins"
    find . -path ./target -prune -o -type f \( -name '*.rs' -o -name '*.toml' \) -print | LC_ALL=C sort | xargs sha256sum
} | key_of)
if [ ! -d "$standins" ]; then
    say building "the stand-ins for signtool and cargo"
    CARGO_TARGET_DIR=$scratch/target for_windows build --release --manifest-path "$here/standins/Cargo.toml" ||
        die "the stand-ins could not be built"
    mkdir "$scratch/standins"
    $LINKER -shared -Os -s -Wall -o "$scratch/standins/wintrust.dll" "$here/faults/wintrust.c"
    mv "$scratch/target/$TARGET/release"/*.exe "$scratch/standins/"
    remove_old 'windows-standins-*'
    mkdir "$scratch/bed"
    mv "$scratch/standins" "$scratch/bed/standins"
    mv "$scratch/bed" "$standins"
fi
touch "$standins" # the time of its last use

# --- the prefix ---------------------------------------------------------------------------------

# Rust's std takes its random numbers from a library that Wine 8 has not.
write_bcryptprimitives() {
    cat >"$scratch/bcryptprimitives.c" <<'C'
#include <windows.h>
BOOLEAN WINAPI SystemFunction036(PVOID, ULONG);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T length)
{
    return SystemFunction036(data, (ULONG)length);
}
C
    $LINKER -shared -Os -s -o "$1" "$scratch/bcryptprimitives.c" -ladvapi32
}

make_prefix() {
    (
        export WINEPREFIX=$scratch/prefix WINEDEBUG=-all WINEDLLOVERRIDES='mscoree,mshtml='
        unset DISPLAY WAYLAND_DISPLAY
        "$wine" wineboot --init </dev/null >"$scratch/wineboot.log" 2>&1 9>&- || {
            cat "$scratch/wineboot.log" >&2
            die "Wine could not set up a prefix"
        }
        "$server" --wait 9>&-
    )
    system32=$scratch/prefix/drive_c/windows/system32
    [ -e "$system32/bcryptprimitives.dll" ] || write_bcryptprimitives "$system32/bcryptprimitives.dll"
}

prefix=$cache/windows-prefix-$({
    "$wine" --version
    declare -f write_bcryptprimitives make_prefix
} | key_of)
if [ ! -d "$prefix" ]; then
    say preparing "a Wine prefix (ten seconds)"
    make_prefix
    remove_old 'windows-prefix-*'
    mv "$scratch/prefix" "$prefix"
fi
touch "$prefix" # the time of its last use

# --- all of it ----------------------------------------------------------------------------------

bed=$standins

# put NAME: makes standard input a program of the bed.
put() {
    cat >"$scratch/$1"
    chmod +x "$scratch/$1"
    mv "$scratch/$1" "$bed/$1"
}

put rustc-for-windows <<SH
#!/bin/sh
exec $(printf %q "$rustc") --target $TARGET -C linker=$LINKER "\$@"
SH

# cargo's RUSTC_WRAPPER for the pipeline's package, whose build script is the program: cargo takes it
# for one of this machine, and gets one of Windows, which a script of that name starts in Wine.
put rustc-for-programs <<SH
#!/bin/bash
compiler=\$1
shift
name= folder= hash= last=
for word; do
    case \$last in
    --crate-name) name=\$word ;;
    --out-dir) folder=\$word ;;
    esac
    case \$word in extra-filename=*) hash=\${word#*=} ;; esac
    last=\$word
done
[ "\$name" = build_script_main ] || exec "\$compiler" "\$@"
$(printf %q "$bed/rustc-for-windows") "\$@" || exit
program=\$folder/\$name\$hash
printf '#!/bin/sh\nexec %q %q "\$@"\n' $(printf %q "$bed/wine64") "\$program.exe" >"\$program"
chmod +x "\$program"
SH

ln -sfn "$cargo_make" "$bed/cargo-make"
ln -sfn "$prefix" "$bed/prefix"

# Wine's loader, at 0x7d000000, may get its heap where all programs of Windows have their shared data,
# 0x7ffe0000: one start in some thousand then fails. Without address space layout randomization the
# heap begins behind the loader. Some containers forbid to turn it off.
put wine64 <<SH
#!/bin/sh
if setarch -R true 2>/dev/null; then exec setarch -R $(printf %q "$wine") "\$@"; fi
exec $(printf %q "$wine") "\$@"
SH

put wineserver <<SH
#!/bin/sh
exec $(printf %q "$server") "\$@"
SH

printf '%s\n' "$bed"
