#!/usr/bin/env bash
# Packs a release: dist/subaccountd-VERSION-TARGET.tar.gz and dist/SHA256SUMS. The program is linked statically, as in
# the image. The same commit and toolchain give the same bytes: no time, no user and no folder of the machine goes in.
# TARGET=… packs for another target than this machine's, with RUNNER=… to run its program here (as in qemu-aarch64).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
target=${TARGET:-$(rustc --print host-tuple)}
revision=${REVISION:-$(git rev-parse HEAD)}
: "${SOURCE_DATE_EPOCH:=$(git log -1 --format=%ct)}"
name=subaccountd-$version-$target
work=target/dist
root=$work/$name

# With --target these flags do not reach build scripts and procedural macros, which cannot be static.
home=${CARGO_HOME:-$HOME/.cargo}
export RUSTFLAGS="-C target-feature=+crt-static --remap-path-prefix=$PWD=/src --remap-path-prefix=$home=/cargo"
export SUBACCOUNTD_BUILD_REVISION=$revision
cargo build --release --locked -p subaccountd --target "$target"
# The program takes an unknown SUBACCOUNTD_… in its environment for a typo. RUNNER is word-split on purpose.
# shellcheck disable=SC2086
built() { env -u SUBACCOUNTD_BUILD_REVISION ${RUNNER:-} "target/$target/release/subaccountd" "$@"; }

rm -rf "$work" && mkdir -p "$root"/{completions,man/man1,schema,systemd} dist
install -m 0755 "target/$target/release/subaccountd" "$root/"
install -m 0644 LICENSE-APACHE LICENSE-MIT THIRD-PARTY-NOTICES.txt README.md CHANGELOG.md config/desired-state.example.yaml "$root/"
install -m 0644 deploy/systemd/subaccountd.service deploy/systemd/environment "$root/systemd/"
# Where the first line of the example looks for it.
install -m 0644 config/schema/desired-state.v1.schema.json "$root/schema/"
for shell in bash:subaccountd.bash zsh:_subaccountd fish:subaccountd.fish elvish:subaccountd.elv powershell:subaccountd.ps1; do
    built completions "${shell%%:*}" >"$root/completions/${shell##*:}"
done
env -u RUSTFLAGS cargo xtask manual "$root/man/man1"
# What the repository holds is what the program prints, and a shell that is here can read its completions.
built schema | cmp - "$root/schema/desired-state.v1.schema.json"
bash -n "$root/completions/subaccountd.bash"
if command -v zsh >/dev/null; then zsh -n "$root/completions/_subaccountd"; fi
if command -v fish >/dev/null; then fish --no-execute "$root/completions/subaccountd.fish"; fi

find "$root" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
find "$root" -type f ! -name subaccountd -exec chmod 0644 {} + && find "$root" -type d -exec chmod 0755 {} +
tar --create --sort=name --format=ustar --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner \
    --directory "$work" "$name" | gzip --no-name --best >"dist/$name.tar.gz"
bash deploy/release.sh checksums
