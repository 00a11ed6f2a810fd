#!/usr/bin/env bash
# The steps of a release, each a target of the Makefile, so that a release by hand makes what the workflow makes.
#
#   release.sh check TAG        the tag, the version of every file, and the changelog agree
#   release.sh notes            prints the section of the changelog
#   release.sh checksums        dist/SHA256SUMS of everything in dist/
#   release.sh push IMAGE       pushes the image of this machine as IMAGE:VERSION-ARCHITECTURE
#   release.sh index IMAGE      joins the pushed images to IMAGE:VERSION, and prints its digest
#   release.sh chart REGISTRY   packs the chart into dist/ and pushes it below oci://…
#   release.sh draft TAG        a draft of the release on GitHub with everything in dist/
#
# DOCKER, HELM and GH name other programs for docker, helm and gh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly docker=${DOCKER:-docker} helm=${HELM:-helm} gh=${GH:-gh}
readonly architectures=(amd64 arm64)
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
fail() { echo "deploy/release.sh: $*" >&2; exit 1; }

notes() {
    local text
    # From its heading to the next one.
    text=$(awk -v heading="## [$version]" 'index($0, "## ") == 1 { found = index($0, heading) == 1; next } found' CHANGELOG.md)
    [[ -n ${text//[[:space:]]/} ]] || fail "CHANGELOG.md: no section for $version; replace Unreleased by [$version] and the date"
    printf '%s\n' "$text"
}

case ${1:-} in
    check)
        [[ ${2:-} == "v$version" ]] || fail "tag: \`${2:-}\` is not \`v$version\`, the version in Cargo.toml"
        notes >/dev/null
        for line in "version: $version" "appVersion: $version"; do
            grep -qx "$line" deploy/helm/subaccountd/Chart.yaml || fail "Chart.yaml: no line \`$line\`"
        done
        stale=$(grep -rn 'newTag: ' deploy/kubernetes --include kustomization.yaml | grep -v -e "newTag: $version\$" -e 'newTag: v4' || :)
        [[ -z $stale ]] || fail "another version is deployed: $stale"
        ;;
    notes) notes ;;
    checksums) (cd dist && sha256sum -- subaccountd-* >SHA256SUMS && cat SHA256SUMS) ;;
    push)
        name=${2:?IMAGE=… is needed}:$version-$("$docker" image inspect --format '{{.Architecture}}' "subaccountd:$version")
        "$docker" tag "subaccountd:$version" "$name"
        "$docker" push "$name"
        ;;
    index)
        : "${2:?IMAGE=… is needed}"
        "$docker" buildx imagetools create --tag "$2:$version" "${architectures[@]/#/$2:$version-}" >&2
        "$docker" buildx imagetools inspect "$2:$version" --format '{{.Manifest.Digest}}'
        ;;
    chart)
        mkdir -p dist
        "$helm" package deploy/helm/subaccountd --destination dist
        "$helm" push "dist/subaccountd-$version.tgz" "${2:?REGISTRY=oci://… is needed}"
        ;;
    draft)
        notes | "$gh" release create "${2:?TAG=… is needed}" --draft --verify-tag --title "$version" --notes-file - dist/*
        ;;
    *) fail "\`${1:-}\` is not a step; the head of this file lists them" ;;
esac
