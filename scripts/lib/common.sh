# What every script shares: where the project is, which tools it uses, how it reports.
# Sourced, never run.
# shellcheck shell=bash
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# First, so that wrangler and Miniflare run on the Node that package-lock.json pins.
export PATH="$ROOT/node_modules/.bin:$PATH"
export WRANGLER_SEND_METRICS=false

CACHE=${XDG_CACHE_HOME:-$HOME/.cache}
TOOLS=${TIDEGATE_TOOLS:-$CACHE/tidegate/tools}
K6_VERSION=1.1.0
WASM_TARGET=wasm32-unknown-unknown

say() { printf '%s\n' "$@"; }

# die THING CAUSE REMEDY
die() {
    printf 'error: %s\n  cause:  %s\n  remedy: %s\n' "$@" >&2
    exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

# bundle WASM FOLDER OPTION…: makes of a Worker's WebAssembly, as cargo built it, what workerd
# loads: FOLDER/index.js and FOLDER/index_bg.wasm. The options are wasm-opt's.
bundle() {
    local wasm=$1 folder=$2 new=$2/.new
    shift 2
    rm -rf "$new"
    mkdir -p "$new"
    "$(target_folder)/debug/tidegate-bindgen" "$wasm" "$new"
    # One module, of what wasm-bindgen wrote. workerd takes a wasm import for a module without being
    # told.
    esbuild "$new/index.js" --bundle --format=esm --minify --external:./index_bg.wasm \
        --log-level=warning | sed 's/import source /import /' >"$new/glue.js"
    wasm-opt --all-features "$@" "$new/index_bg.wasm" -o "$new/index_bg.wasm"
    mv "$new/glue.js" "$folder/index.js"
    mv "$new/index_bg.wasm" "$folder"
    rm -rf "$new"
}

# Where cargo builds to, as an absolute path.
target_folder() {
    local folder=${CARGO_TARGET_DIR:-target}
    [[ $folder == /* ]] || folder=$ROOT/$folder
    printf '%s\n' "$folder"
}

find_k6() {
    local candidate
    for candidate in "$(command -v k6 || true)" "$TOOLS/k6-$K6_VERSION/bin/k6"; do
        [ -x "$candidate" ] || continue
        "$candidate" version 2>/dev/null | grep -q "^k6 v\?$K6_VERSION " || continue
        printf '%s\n' "$candidate"
        return
    done
    return 1
}

find_chromium() {
    local candidate
    for candidate in "${CHROMIUM:-}" chromium chromium-browser google-chrome google-chrome-stable \
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"; do
        [ -n "$candidate" ] && command -v "$candidate" && return
    done
    return 1
}

# one_at_a_time FILE WHAT: holds FILE until this script ends; waits while another one holds it.
one_at_a_time() {
    has flock || return 0 # macOS has none; running two at once is then the user's care
    exec 9>"$1"
    if ! flock --nonblock 9; then
        say "waiting for another $2 to end"
        flock 9
    fi
}

# hash_files: one hash over the names and contents of the NUL-separated files on stdin.
hash_files() {
    local hash=(sha256sum)
    has sha256sum || hash=(shasum -a 256)
    xargs -0 "${hash[@]}" | "${hash[@]}"
}
