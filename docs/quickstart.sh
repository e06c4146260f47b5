#!/usr/bin/env bash
# From a fresh Debian or Ubuntu machine to a signed, verified driver.
set -euo pipefail

usage() {
    cat <<'HELP'
usage: docs/quickstart.sh [FOLDER]

Installs what is missing (docs/setup.sh), copies the example driver to FOLDER (default:
./hello-driver), generates its build files, builds, signs and verifies it. If FOLDER already has a
config.toml, it is built as it is. Any other folder that is not empty is refused.
HELP
}

case ${1-} in
    --help | -h)
        usage
        exit 0
        ;;
    -*)
        usage >&2
        exit 2
        ;;
esac
[ $# -le 1 ] || {
    usage >&2
    exit 2
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
folder=$(realpath -m -- "${1:-hello-driver}")
if [ -e "$folder" ] && [ ! -e "$folder/config.toml" ] && [ -n "$(ls -A "$folder")" ]; then
    printf 'quickstart.sh: error: %s exists and is not a driver project; name another folder\n' "$folder" >&2
    exit 5
fi

environment=$("$root/docs/setup.sh" --no-cargo-make --env)
eval "$environment"
# shellcheck source=docs/venv.sh
. "$root/docs/venv.sh"
# Compiling cargo-make leaves a core idle for a part of the time.
make_venv user "$root" &
trap 'kill %1 2>/dev/null || :' EXIT
"$root/docs/setup.sh" 2> >(grep --line-buffered -Ev '^(found|ready) ' >&2)
wait %1
trap - EXIT
make_venv user "$root" # sets `venv`
PATH=$venv/bin:$PATH

# A copy that was interrupted must not look like a project.
if [ ! -e "$folder/config.toml" ]; then
    mkdir -p "$(dirname "$folder")"
    part=$(mktemp -d "$folder.XXXXXXXX")
    trap 'rm -rf "$part"' EXIT
    chmod 755 "$part"
    (cd "$root/docs/examples/blog-driver" && cp -R Cargo.toml README.md config.toml src "$part/")
    [ ! -d "$folder" ] || rmdir "$folder"
    mv -T "$part" "$folder"
    trap - EXIT
fi
cd "$folder"
kdrvgen config.toml
cargo make sign
cargo make verify

cat <<NEXT

The signed driver:
$(find "$PWD/target" -name '*.sys' -printf '  %p\n' | sort)

In a new shell, this makes the tools available:
  env=\$($(printf %q "$root/docs/setup.sh") --env) && eval "\$env"
  PATH=$(printf %q "$venv/bin"):\$PATH
and then, in $PWD:
  cargo make smoke                        # load it in Wine's kernel
  cargo make --profile production sign    # optimised
NEXT
