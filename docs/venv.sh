# shellcheck shell=bash
# A virtual environment with this checkout in it; sourced by docs/quickstart.sh and tests/run.sh.

# make_venv KIND ROOT [PIP-ARGUMENT]...: leaves the folder's path in `venv`.
#
# Installed as editable, so that the checkout's code is what runs; made anew only when
# pyproject.toml, the checkout's place or Python itself is another.
make_venv() {
    local kind=$1 root=$2 cache=${XDG_CACHE_HOME:-$HOME/.cache}/kdrvgen key what=.
    shift 2
    # The task verify calls kdrvgen where it is installed, and that needs the extra.
    [ "$kind" != user ] || what='.[verify]'
    key=$({
        printf '%s\n' "$root" "$what" "$KDRVGEN_PYTHON" "$("$KDRVGEN_PYTHON" --version)" "$@"
        cat "$root/pyproject.toml"
    } | sha256sum | cut -c 1-12)
    venv=$cache/venv-$kind-$key
    # The time of its last use.
    if [ -e "$venv/complete" ]; then
        touch "$venv/complete"
        return
    fi
    mkdir -p "$cache"
    exec 8>"$venv.lock"
    flock 8
    if [ ! -e "$venv/complete" ]; then
        printf '%-10s %s\n' installing "kdrvgen and what it needs into $venv" >&2
        rm -rf "$venv"
        "$KDRVGEN_PYTHON" -m venv "$venv" 8>&-
        # The first pip that knows dependency groups.
        "$venv/bin/python" -m pip install --quiet --upgrade 'pip>=25.1' 8>&-
        (cd "$root" && "$venv/bin/python" -m pip install --quiet --editable "$what" "$@") 8>&-
        : >"$venv/complete"
        remove_old_venvs "$cache" "$kind"
    fi
    exec 8>&-
}

# remove_old_venvs CACHE KIND: removes the environments of other checkouts and versions that nobody
# has used for two weeks. Without `complete`, one that is removed half is made anew.
remove_old_venvs() {
    local complete
    for complete in "$1/venv-$2"-*/complete; do
        if [ -e "$complete" ] && [ -n "$(find "$complete" -mtime +14)" ]; then
            rm -f "$complete"
            rm -rf "${complete%/complete}" "${complete%/complete}.lock"
        fi
    done
}
