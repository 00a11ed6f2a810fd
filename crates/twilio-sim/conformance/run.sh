#!/usr/bin/env bash
# The official Twilio SDKs as independent clients of the simulator and the daemon: `make conformance`.
#
# Needs cargo, python3 (3.10 or newer) with venv and pip, node (20 or newer) with npm. What it installs goes below
# target/conformance and is kept for the next run.
# SUBACCOUNTD_OPENAPI names the OpenAPI file that answers are checked against; without that file they are not checked.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
openapi=${SUBACCOUNTD_OPENAPI:-$root/../shared/twilio/v2010-subset.openapi.json}
cd "$root"

# Settings of the person who runs this are not those of the test; and no proxy is asked for what is on this machine.
for name in "${!SUBACCOUNTD_@}" "${!TWILIO_@}" OPENAPI; do unset "$name"; done
export NO_PROXY="127.0.0.1,${NO_PROXY:-${no_proxy:-}}"
export no_proxy=$NO_PROXY

target=${CARGO_TARGET_DIR:-$root/target}
home=$target/conformance
python=$home/venv/bin/python
mkdir -p "$home/node"
run=$(mktemp -d "$home/run.XXXXXX")
names=() pids=()

# stop NAME PID: asks it to end, and makes it end when it has not after five seconds.
stop() {
    local name=$1 pid=$2 code=0
    if ! kill "$pid" 2>/dev/null; then
        wait "$pid" || code=$?
        echo "$name had ended by itself, with $code" >&2
        return 0
    fi
    for ((tries = 0; tries < 50; tries++)); do
        kill -0 "$pid" 2>/dev/null || return 0
        sleep 0.1
    done
    kill -KILL "$pid" 2>/dev/null || :
}

finish() {
    local code=$?
    trap - EXIT
    # The daemon first: it ends by itself when what it sent was answered.
    for ((at = ${#pids[@]} - 1; at >= 0; at--)); do stop "${names[at]}" "${pids[at]}"; done
    if ((code == 0)); then
        rm -rf "$run"
    else
        for log in "$run"/*.log; do
            if [[ -f $log ]]; then tail -n 20 "$log" | sed "s/^/${log##*/}: /" >&2; fi
        done
        rm -rf "$home/failed"
        mv "$run" "$home/failed"
        echo "conformance failed; the logs are in $home/failed" >&2
    fi
    exit "$code"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# start NAME COMMAND…: runs it until this script ends; $address is where it says it listens.
start() {
    local name=$1
    shift
    "$@" >"$run/$name.log" 2>&1 &
    names+=("$name") pids+=("$!")
    for ((tries = 0; tries < 200; tries++)); do
        address=$(grep -soEm1 ' on http://127\.0\.0\.1:[0-9]+' "$run/$name.log" || :)
        address=${address# on }
        if [[ -n $address ]]; then return; fi
        if ! kill -0 "${pids[-1]}" 2>/dev/null; then break; fi
        sleep 0.1
    done
    echo "$name did not say where it listens" >&2
    return 1
}

# fresh FILE…: whether what was installed was installed from these files.
fresh() {
    [[ -f $1 ]] && sha256sum --check --status "$1" 2>/dev/null
}

install() {
    if [[ ! -x $python ]] || ! fresh "$home/venv/installed"; then
        rm -rf "$home/venv"
        python3 -m venv "$home/venv"
        "$python" -m pip install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"
        sha256sum "$here/requirements.txt" >"$home/venv/installed"
    fi
    if ! fresh "$home/node/installed"; then
        cp "$here/package.json" "$here/package-lock.json" "$here/.npmrc" "$home/node/"
        (cd "$home/node" && npm ci --loglevel=error)
        sha256sum "$here/package.json" "$here/package-lock.json" >"$home/node/installed"
    fi
}

failed=0 passed=0 wrong=0 skipped=0

# count FILE BEFORE AFTER: the sum of the numbers in the file that stand between these two patterns.
count() {
    sed -nE "s/(^|.*[^0-9])$2([0-9]+)$3.*/\\2/p" "$1" | awk '{ sum += $1 } END { print sum + 0 }'
}

run_pytest() {
    local output=$run/pytest-$1.out
    shift
    "$python" -B -m pytest -c "$here/pytest.ini" --rootdir "$here" "$@" 2>&1 | tee "$output" || failed=1
    tail -n 1 "$output" | tr ',' '\n' >"$output.last"
    passed=$((passed + $(count "$output.last" '' ' passed')))
    wrong=$((wrong + $(count "$output.last" '' ' failed') + $(count "$output.last" '' ' error')))
    skipped=$((skipped + $(count "$output.last" '' ' skipped')))
}

run_node() {
    NODE_PATH=$home/node/node_modules node --test \
        --test-reporter=spec --test-reporter-destination=stdout \
        --test-reporter=tap --test-reporter-destination="$run/node.tap" "$here/sdk.test.js" || failed=1
    passed=$((passed + $(count "$run/node.tap" '# pass ' '$')))
    wrong=$((wrong + $(count "$run/node.tap" '# fail ' '$') + $(count "$run/node.tap" '# cancelled ' '$')))
    skipped=$((skipped + $(count "$run/node.tap" '# skipped ' '$')))
}

install
cargo build --locked -p subaccountd -p twilio-sim

spec=()
if [[ -f $openapi ]]; then
    spec=(--openapi "$openapi")
    export OPENAPI=$openapi
else
    echo "answers are not checked against Twilio's OpenAPI file: there is no $openapi"
fi
start sim "$target/debug/twilio-sim" --listen 127.0.0.1:0 --world "$here/world.yaml"
sim=$address
start proxy "$python" -B "$here/proxy.py" --to "$sim" "${spec[@]}"
proxy=$address
export SIM_URL=$sim API_URL=$proxy

echo "== the Python SDK against the simulator"
run_pytest sdk "$here/test_openapi.py" "$here/test_accounts.py" "$here/test_numbers.py" \
    "$here/test_calls.py" "$here/test_addresses.py" "$here/test_refusals.py"
echo "== the Node SDK against the simulator"
run_node

echo "== the Python SDK beside the daemon"
cp "$here/paused.yaml" "$run/desired.yaml"
mkdir "$run/journal"
start daemon env TWILIO_AUTH_TOKEN=conformance-token "$target/debug/subaccountd" run \
    --account-sid AC00000000000000000000000000000000 --twilio-url "$proxy" --desired "$run/desired.yaml" \
    --interval 1s --close-after 0s --listen 127.0.0.1:0 --status-listen 127.0.0.1:0 \
    --journal-dir "$run/journal" --log-format text
daemon=$address
export DAEMON_URL=$daemon DESIRED=$run/desired.yaml
run_pytest daemon "$here/test_daemon.py" "$here/test_record.py"

echo
echo "$passed passed, $wrong failed, $skipped skipped"
exit "$failed"
