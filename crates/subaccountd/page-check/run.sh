#!/usr/bin/env bash
# The status page of real daemons in headless Chromium: `make page-check`. With --screenshots DIR it also writes them.
#
# Needs cargo, node (20 or newer) with npm, and chromium; CHROMIUM names another one. What it installs goes below
# target/page-check and is kept for the next run.
set -euo pipefail

# check.js has the settings of the daemons; the settings and proxies of this environment must not reach them.
for name in "${!SUBACCOUNTD_@}" "${!TWILIO_@}"; do unset "$name"; done
export NO_PROXY="127.0.0.1,${NO_PROXY:-${no_proxy:-}}"
export no_proxy=$NO_PROXY

if [[ ${1:-} == --screenshots ]]; then set -- --screenshots "$(realpath -m "$2")"; fi
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
cd "$root"

target=${CARGO_TARGET_DIR:-$root/target}
home=$target/page-check
CHROMIUM=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome || :)}
if [[ -z $CHROMIUM ]]; then
    echo "page-check: Chromium not found: install it (apt-get install chromium), or set CHROMIUM to its path" >&2
    exit 1
fi
export CHROMIUM PAGE_CHECK_BIN=$target/debug PAGE_CHECK_HOME=$home

mkdir -p "$home"
if ! sha256sum --check --status "$home/installed" 2>/dev/null; then
    cp "$here/package.json" "$here/package-lock.json" "$here/.npmrc" "$home/"
    (cd "$home" && npm ci --loglevel=error)
    sha256sum "$here/package.json" "$here/package-lock.json" >"$home/installed"
fi
cargo build --locked -p subaccountd -p twilio-sim
NODE_PATH=$home/node_modules exec timeout 600 node "$here/check.js" "$@"
