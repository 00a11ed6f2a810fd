#!/usr/bin/env bash
# Builds the image with the unmodified Dockerfile, twice, and runs it: the same bytes, its labels, its user, its health.
# QUICK=1 builds it once and without optimization, which shows all of that but the bytes and the size.
# There is no registry here, so a Debian of debootstrap with this machine's toolchain and the vendored crates stands for
# the official base. That proves the steps of the Dockerfile and not its base; such an image is never shipped.
# Needs root, buildah, podman, runc, debootstrap and python3.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

readonly out=target/image
readonly base=localhost/rust:1.95
revision=${REVISION:-$(git rev-parse HEAD)}
# Read once: a commit while it builds changes nothing.
epoch=$(git log -1 --format=%ct "$revision") created=$(git log -1 --format=%cI "$revision")
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
fail() { echo "deploy/image/check.sh: $*" >&2; exit 1; }

mkdir -p "$out"
key=$(cat Cargo.lock rust-toolchain.toml | sha256sum | cut -c1-16)
if ! buildah images --quiet "$base-$key" >/dev/null 2>&1; then
    root=$out/base
    rm -rf "$root"
    debootstrap --variant=minbase --include=ca-certificates,gcc,libc6-dev bookworm "$root" >"$out/debootstrap.log"
    # As in the official image: the toolchain on the path, and a home for cargo.
    cp --archive "$(rustc --print sysroot)"/{bin,lib} "$root/usr/local/"
    mkdir -p "$root/usr/local/cargo"
    # The build has no network: the crates are vendored beside it.
    cargo vendor --quiet --locked --versioned-dirs "$root/vendor" >/dev/null
    cat >"$root/usr/local/cargo/config.toml" <<'END'
[source.crates-io]
replace-with = "vendored"
[source.vendored]
directory = "/vendor"
END
    # A base of older dependencies is of no use any more.
    podman images --quiet --filter reference="$base-*" | xargs --no-run-if-empty podman rmi --force >/dev/null
    tar --create --directory "$root" . | podman import --quiet \
        --change 'ENV CARGO_HOME=/usr/local/cargo' --change 'ENV PATH=/usr/local/bin:/usr/bin:/bin' - "$base-$key" >/dev/null
    rm -rf "$root"
fi

quick=()
if [[ -n ${QUICK:-} ]]; then
    # Cargo reads it in every folder above the sources.
    mkdir -p "$out/quick"
    printf '[profile.release]\nlto = "off"\ncodegen-units = 16\nopt-level = 0\n' >"$out/quick/config.toml"
    quick=(--volume "$PWD/$out/quick:/.cargo:ro")
fi

# build NAME: without what earlier builds left, neither their layers nor their cache mounts, which lie in TMPDIR.
build() {
    rm -rf "$out/cache" "$out/${1:?}" && mkdir -p "$out/cache" "$out/$1"
    TMPDIR=$PWD/$out/cache buildah build --quiet --isolation chroot --pull-never --no-cache --format docker \
        --timestamp "$epoch" "${quick[@]}" \
        --build-arg BASE="$base-$key" --build-arg VERSION="$version" --build-arg REVISION="$revision" \
        --build-arg CREATED="$created" --build-arg SOURCE=https://git.example.com/subaccountd \
        --tag "localhost/$1" . >/dev/null
    podman save --quiet --format docker-dir --output "$out/$1" "localhost/$1"
    rm -rf "$out/cache"
    echo "$1: built after $SECONDS s"
}
# What the image NAME is: its layers, and its configuration but for the names that buildah draws for its own container,
# which other builders do not write.
contents() {
    python3 - "$out/$1" <<'END'
import json, pathlib, sys

folder = pathlib.Path(sys.argv[1])
manifest = json.loads((folder / "manifest.json").read_text())
config = json.loads((folder / manifest["config"]["digest"].split(":")[1]).read_text())
config.pop("container", None)
for part in ("config", "container_config"):
    config.get(part, {}).pop("Hostname", None)
print(*(layer["digest"] for layer in manifest["layers"]), json.dumps(config, indent=1, sort_keys=True), sep="\n")
END
}

build subaccountd-check
if [[ -z ${QUICK:-} ]]; then
    build subaccountd-again
    diff <(contents subaccountd-check) <(contents subaccountd-again) || fail "two builds of one commit differ"
    echo "two builds of $revision give the same layers and configuration"
fi

inspect() { podman inspect --format "$1" localhost/subaccountd-check; }
[[ "$(inspect '{{.User}}')" == 65532:65532 ]] || fail "the user is not 65532"
[[ "$(inspect '{{json .HealthCheck}}')" == *probe*live* ]] || fail "the image has no health check"
for label in version=$version revision=$revision source=https://git.example.com/subaccountd; do
    [[ "$(inspect "{{index .Labels \"org.opencontainers.image.${label%%=*}\"}}")" == "${label#*=}" ]] || fail "label ${label%%=*}"
done

# What must come with the program.
holder=$(podman create localhost/subaccountd-check)
for file in LICENSE-APACHE LICENSE-MIT THIRD-PARTY-NOTICES.txt; do
    podman cp "$holder:/usr/share/doc/subaccountd/$file" - | tar --extract --to-stdout | cmp - "$file" || fail "$file"
done
podman rm "$holder" >/dev/null

# As Kubernetes runs it: a read-only root, no capability, no privileges, an empty /tmp, a journal that its user owns.
work=$(mktemp -d)
trap 'podman rm --force --time 5 subaccountd-check >/dev/null 2>&1 || :; kill "${sim:-}" 2>/dev/null || :; rm -rf "$work"' EXIT
install -d -m 0750 -o 65532 -g 65532 "$work/journal"
install -d -m 0755 "$work/desired" && cp config/demo/state/desired.yaml "$work/desired/" && chmod -R a+rX "$work/desired"
target/debug/twilio-sim --listen 127.0.0.1:4019 --world config/demo/world.yaml >"$out/sim.log" 2>&1 &
sim=$!
# Where systemd is absent, podman has no timer for the health check, and says so.
podman --runtime runc run --detach --name subaccountd-check --network host --read-only --tmpfs /tmp --cap-drop ALL \
    --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 --health-interval disable --security-opt no-new-privileges --volume "$work/journal:/var/lib/subaccountd" --volume "$work/desired:/etc/subaccountd:ro" \
    --env TWILIO_ACCOUNT_SID=AC00000000000000000000000000000000 --env TWILIO_AUTH_TOKEN=demo-token \
    --env SUBACCOUNTD_TWILIO_URL=http://127.0.0.1:4019 --env SUBACCOUNTD_DESIRED=/etc/subaccountd \
    --env SUBACCOUNTD_LISTEN=127.0.0.1:8019 --env SUBACCOUNTD_STATUS_LISTEN=none localhost/subaccountd-check >/dev/null
within() { for _ in $(seq 50); do "$@" >/dev/null 2>&1 && return; sleep 0.2; done; podman logs subaccountd-check >&2; fail "not in time: $*"; }
run() { podman --runtime runc exec subaccountd-check subaccountd "$@"; }
within run probe ready
# The probe of the health check follows SUBACCOUNTD_LISTEN.
run probe live
podman healthcheck run subaccountd-check || fail "the health check fails"
[[ -s $work/journal/journal.jsonl ]] || fail "no journal was written"
podman stop --time 20 subaccountd-check >/dev/null
[[ "$(podman inspect --format '{{.State.ExitCode}}' subaccountd-check)" == 0 ]] || fail "it did not stop with 0"
echo "deploy/image/check.sh: the image runs as it must; it has $(inspect '{{.Size}}') bytes"
