#!/usr/bin/env bash
# Starts a simulated Twilio and the daemon on a copy of the example beside this script.
# With DEMO_ONCE=1 it makes the edits itself, checks the results, and exits.
set -euo pipefail
cd "$(dirname "$0")/../.."

sim_port=${DEMO_SIM_PORT:-4010} port=${DEMO_PORT:-8080} status_port=${DEMO_STATUS_PORT:-8081}
here=target/demo
state=$here/desired.yaml log=$here/daemon.log

for tool in cargo curl; do
    command -v "$tool" >/dev/null || { echo "demo: $tool is needed" >&2; exit 1; }
done
cargo build --locked -p subaccountd -p twilio-sim
rm -rf "$here" && mkdir -p "$here"
cp config/demo/state/desired.yaml "$state"

pids=()
stop() {
    kill "${pids[@]}" 2>/dev/null || :
    wait 2>/dev/null || :
}
trap stop EXIT
trap 'exit 130' INT TERM

export TWILIO_ACCOUNT_SID=AC00000000000000000000000000000000 TWILIO_AUTH_TOKEN=demo-token
export SUBACCOUNTD_TWILIO_URL=http://127.0.0.1:$sim_port SUBACCOUNTD_DESIRED=$state SUBACCOUNTD_CLOSE_AFTER=0s SUBACCOUNTD_VERBS=default,create SUBACCOUNTD_JOURNAL_DIR=$here/journal

target/debug/twilio-sim --listen "127.0.0.1:$sim_port" --world config/demo/world.yaml >"$here/sim.log" 2>&1 &
pids+=($!)

# fails NAME: the log, and the end.
fails() {
    echo "demo: not seen in time: $1" >&2
    tail -n 40 "$here/sim.log" "$log" >&2 || :
    exit 1
}
# seen NAME COMMAND...: waits until the command succeeds.
seen() {
    local name=$1 tries=0
    shift
    until "$@" >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ "$tries" -lt 300 ] || fails "$name"
        sleep 0.1
    done
}
say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
logged() { grep -qF "$1" "$log"; }
get() { curl -sf "http://127.0.0.1:$1$2"; }

seen "the simulator" get "$sim_port" /_sim/requests
say "What would be done (subaccountd plan; 3 says that something is held):"
target/debug/subaccountd plan || echo "exit code $?"

say "Starting the daemon on $state"
target/debug/subaccountd run --interval 3s --log-format text \
    --listen "127.0.0.1:$port" --status-listen "127.0.0.1:$status_port" >"$log" 2>&1 &
pids+=($!)
seen "the daemon is ready" target/debug/subaccountd probe ready --url "http://127.0.0.1:$port"

if [ "${DEMO_ONCE:-}" != 1 ]; then
    say "It runs. Edit $state, save it, and watch. For example:"
    cat <<EOF
  - add the line liftSuspensionsBefore to acme, as the held message says: it is reactivated, and gets its number
  - change initech from suspended to active: it is reactivated at once, because the daemon suspended it
  - give +493012345678 an addressSid (AD and 32 digits): the held transfer goes through
  - list AC00000000000000000000000000000006 as closed, with close: {confirm: not listed}
  - misspell a status: the fault is reported, the other entries continue, and no account is closed
The status page: http://127.0.0.1:$status_port   Metrics: http://127.0.0.1:$port/metrics   Press Ctrl-C to stop.

EOF
    tail -n +1 -f "$log"
    exit 0
fi

a=AC0000000000000000000000000000000
# done_lines: what was done so far, in words.
done_lines() { grep -E ': done' "$log" | sed -E 's/^[^ ]+ +INFO //; s/ action\.kind.*//'; }
# edit SCRIPT: edits the state as editors do.
edit() { sed "$1" "$state" >"$state.new" && mv "$state.new" "$state"; }

seen "a suspension" logged "suspend ${a}2: done"
seen "a close" logged "close ${a}4: done"
seen "an account that is created" logged 'create "stark": done'
seen "a held item" logged "held.reason=NeedsAddress"
seen "a suspension made by others" logged "held.reason=SuspendedElsewhere"
done_lines

say "The SID of the new account, written into the file (subaccountd pin):"
target/debug/subaccountd pin "$state"
grep -B 1 'friendlyName: stark' "$state" | grep 'sid: AC' || fails "the SID in the file"

say "What is held, and how to fix it (subaccountd plan):"
target/debug/subaccountd plan || echo "exit code $?"
if logged "reactivate ${a}1"; then fails "a suspension made by others that is left alone"; fi

# The held message gives the line to add.
lift=$(grep -oE 'liftSuspensionsBefore: [^ ]*[0-9]{4}-[0-9T:-]+Z' "$log" | head -n 1 | grep -oE '[0-9]{4}-[0-9T:-]+Z')
say "An edit while it runs: the suspension of acme is lifted (liftSuspensionsBefore: \"$lift\")"
edit "s/^    friendlyName: acme\$/&\\n    liftSuspensionsBefore: \"$lift\"/"
seen "a reactivation" logged "reactivate ${a}1: done"
seen "a transfer" logged "transfer +15105550101 from ${a}3 to ${a}1: done"
done_lines | tail -n 2

say "Another edit: initech becomes active, and the daemon lifts its own suspension"
edit 's/status: suspended/status: active/'
seen "the edit" logged "reactivate ${a}2: done"
done_lines | tail -n 1

passes() { get "$port" /metrics | sed -n 's/^subaccountd_passes_total{result="success"} //p'; }
another_pass() { [ "$(passes)" -gt "$1" ]; }
seen "settled" another_pass "$(passes)"
curl -sf -X DELETE "http://127.0.0.1:$sim_port/_sim/requests" >/dev/null
seen "one more pass" another_pass "$(($(passes) + 1))"
writes=$(get "$sim_port" /_sim/requests | sed -E 's/.*"writes": ?([0-9]+).*/\1/')
say "One more pass over the settled fleet: $writes writes"
[ "$writes" = 0 ]
get "$sim_port" /_sim/requests | grep -q list_accounts || fails "a request of that pass"
kill -TERM "${pids[1]}"
wait "${pids[1]}"
say "What the journal keeps:"
target/debug/subaccountd journal
say "The daemon stopped with exit code 0. Everything was shown."
