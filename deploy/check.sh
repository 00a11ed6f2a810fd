#!/usr/bin/env bash
# Checks deploy/kubernetes: the YAML is tidy, it renders, and every object is valid, unknown fields included.
# Needs kubectl and python3; the two checkers are installed into a venv below target/ when they are not there yet.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly base=deploy/kubernetes
readonly out=target/deploy
readonly venv=$out/venv
# The oldest Kubernetes that the manifests are checked against, and the newest.
readonly versions=(1.29 1.37)
readonly tools=(kubernetes-validate==1.37.0 yamllint==1.38.0)

mkdir -p "$out"
if [[ "$(cat "$venv/tools" 2>/dev/null)" != "${tools[*]}" ]]; then
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet "${tools[@]}"
    echo "${tools[*]}" >"$venv/tools"
fi

"$venv/bin/yamllint" --strict --config-data '
extends: default
rules:
  line-length: {max: 120}
  document-start: disable
  octal-values: enable
' "$base"
kubectl kustomize "$base" >"$out/kubernetes.yaml"
for version in "${versions[@]}"; do
    "$venv/bin/kubernetes-validate" --strict --kubernetes-version "$version" --quiet "$out/kubernetes.yaml"
done

# The place-holder must be a valid state, or the first thing that a new user sees is a fault.
if [[ -x target/debug/subaccountd ]]; then
    target/debug/subaccountd validate "$base/desired.yaml"
else
    echo "deploy/check.sh: target/debug/subaccountd is not built, so desired.yaml was not validated" >&2
fi
echo "deploy/check.sh: $base is fine for Kubernetes ${versions[*]}"
