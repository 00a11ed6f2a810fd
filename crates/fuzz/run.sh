#!/usr/bin/env bash
# Fuzzes every target, or the ones that are named, one after another: `FUZZ_SECONDS=60 run.sh state journal`.
#
# New inputs go to target/fuzz/corpus and stay there for the next run; the inputs in crates/fuzz/corpus are only read. No
# sanitizer is on: it would need another toolchain than that of rust-toolchain.toml, and our code has no `unsafe`.
set -euo pipefail
cd "$(dirname "$0")/../.."

seconds=${FUZZ_SECONDS:-600}
cargo=${CARGO:-cargo}
work=${CARGO_TARGET_DIR:-$PWD/target}/fuzz
all=(state accounts numbers errors journal settings snapshot)
targets=("$@")
[ $# -gt 0 ] || targets=("${all[@]}")
mkdir -p "$work"

# Journals are written and synced thousands of times a second.
scratch=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export TMPDIR=$scratch

options=(--fuzz-dir crates/fuzz --target-dir "$work/build" --sanitizer none)
if ! $cargo fuzz --version >/dev/null 2>&1; then
    echo "cargo-fuzz is not installed: run \`cargo install cargo-fuzz --locked\`" >&2
    exit 1
fi
$cargo fuzz build "${options[@]}"

# Other inputs than those of the target's own folder, its dictionary, and the longest input. YAML that is long and hostile
# takes long to read.
seeds() {
    case $1 in
    state) echo crates/subaccountd/tests/corpus ;;
    esac
}
dictionary() {
    case $1 in
    accounts | numbers | errors) echo answers ;;
    journal | snapshot) echo history ;;
    *) echo "$1" ;;
    esac
}
longest() {
    case $1 in
    settings) echo 1024 ;;
    *) echo 65536 ;;
    esac
}

failed=0
table=$(printf '%-10s %12s %8s %10s %8s %8s  %s' target executions seconds "a second" edges features result)
for target in "${targets[@]}"; do
    log=$work/$target.log
    mkdir -p "$work/corpus/$target"
    echo "fuzzing $target for $seconds s"
    begun=$(date +%s)
    result=passed
    # shellcheck disable=SC2046 # no seeds are no argument
    $cargo fuzz run "${options[@]}" "$target" "$work/corpus/$target" "crates/fuzz/corpus/$target" $(seeds "$target") -- \
        -dict="crates/fuzz/dictionaries/$(dictionary "$target").dict" -max_len="$(longest "$target")" \
        -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 >"$log" 2>&1 || result=FAILED
    took=$(($(date +%s) - begun))
    if [ "$result" = FAILED ]; then
        failed=1
        tail -n 60 "$log" >&2
    fi
    # A run that failed has no final statistics, only the lines of its progress.
    executions=$(sed -nE 's/^stat::number_of_executed_units: *([0-9]+)$/\1/p; s/^#([0-9]+)[[:space:]].*/\1/p' "$log" | tail -n 1)
    edges=$(grep -oE 'cov: [0-9]+' "$log" | tail -n 1 | cut -d' ' -f2 || true)
    features=$(grep -oE 'ft: [0-9]+' "$log" | tail -n 1 | cut -d' ' -f2 || true)
    rate=$((${executions:-0} / (took > 0 ? took : 1)))
    table+=$'\n'$(printf '%-10s %12s %8s %10s %8s %8s  %s' \
        "$target" "${executions:-0}" "$took" "$rate" "${edges:-0}" "${features:-0}" "$result")
done
printf '\n%s\n' "$table"
exit $failed
