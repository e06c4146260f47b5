#!/usr/bin/env bash
# Sets up what the tests need, then checks everything; arguments go to pytest, which then runs alone.
set -euo pipefail

# The first sdist in which tomli's own corpus is complete is as good as any later one.
readonly TOMLI_VERSION=2.4.0

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

environment=$(docs/setup.sh --env --targets x86_64,i686,aarch64 --with shellcheck)
eval "$environment"
# shellcheck source=docs/venv.sh
. docs/venv.sh
make_venv test "$root" --group dev
PATH=$venv/bin:$PATH

corpus=${XDG_CACHE_HOME:-$HOME/.cache}/kdrvgen/tomli-$TOMLI_VERSION
if [ ! -d "$corpus" ]; then
    part=$(mktemp -d "$corpus.XXXXXXXX")
    trap 'rm -rf "$part"' EXIT
    python -m pip download --quiet --no-deps --no-binary :all: --dest "$part" "tomli==$TOMLI_VERSION"
    tar -xzf "$part/tomli-$TOMLI_VERSION.tar.gz" -C "$part"
    # Two runs may get here at once; both have the same files, and the second loses nothing.
    mv -T "$part/tomli-$TOMLI_VERSION" "$corpus" 2>/dev/null || [ -d "$corpus" ]
    rm -rf "$part"
    trap - EXIT
fi
export KDRVGEN_TOML_CORPUS=$corpus/tests/data

if [ $# -gt 0 ]; then
    exec pytest "$@"
fi
ruff check
ruff format --check
mypy
exec pytest -n 2
