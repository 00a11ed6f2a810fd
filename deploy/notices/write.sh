#!/usr/bin/env bash
# Writes THIRD-PARTY-NOTICES.txt: the licences of what the program links. Needs cargo-about, which takes a minute. A test of
# xtask compares the crates in the file with those that are linked.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

readonly from=deploy/notices
work=$(mktemp)
trap 'rm -f "$work"' EXIT
cargo about generate --frozen --fail --config "$from/about.toml" --manifest-path crates/subaccountd/Cargo.toml \
    "$from/about.hbs" >"$work"
{
    cat "$from/head.txt"
    # Some files have other line ends, or blanks at them.
    sed -e 's/[[:space:]]*$//' "$work" | cat -s
    printf '%80s\n\n' '' | tr ' ' =
    cat "$from/lgpl-2.1.txt"
} >THIRD-PARTY-NOTICES.txt
