"""Stand-ins for the tools on the pages that tell how to install the daemon: `page_tools.py TOOL WORD...`. They do what can
be done without a cluster, a container engine or systemd, and fail where a page names what is not there. What was rendered
for a cluster is in $PAGE_ROOT/rendered; paths of the system are below $PAGE_ROOT/system."""

import os
import pathlib
import re
import subprocess
import sys

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
SUBACCOUNTD = REPOSITORY / "target/debug/subaccountd"
ROOT = pathlib.Path(os.environ["PAGE_ROOT"])
RENDERED, SYSTEM = ROOT / "rendered", ROOT / "system"


def real(*command, **kwargs):
    """Runs the real tool."""
    environment = {**os.environ, "PATH": os.environ["REAL_PATH"]}
    result = subprocess.run([str(word) for word in command], env=environment, text=True, stdout=subprocess.PIPE, **kwargs)
    if result.returncode:
        sys.exit(result.returncode)
    return result.stdout


def render(text):
    with RENDERED.open("a") as file:
        file.write(text + "\n---\n")


def below_system(word):
    """A path of the system, moved below the folder that stands for it."""
    if not re.match(r"/(etc|usr|var)/", word):
        return word
    path = SYSTEM / word[1:]
    path.parent.mkdir(parents=True, exist_ok=True)
    return str(path)


def is_rendered(kind, name):
    documents = RENDERED.read_text().split("\n---\n") if RENDERED.exists() else []
    found = any(f"kind: {kind}\n" in d + "\n" and re.search(f'(?m)^  name: "?{re.escape(name)}"?$', d) for d in documents)
    if not found:
        sys.exit(f"no {kind} {name} was rendered before")


def subaccountd(*words):
    if words[0] == "run":
        # It stops by itself, as at the end of a day.
        real("timeout", "--signal=TERM", "--preserve-status", "3", SUBACCOUNTD, *words)
    elif words[0] == "status":
        real(SUBACCOUNTD, *words, "--help")
    else:
        print(real(SUBACCOUNTD, *map(below_system, words)))


def helm(verb, name, *words):
    if verb in {"install", "upgrade"}:
        # Of an upgrade alone.
        words = [word for word in words if word != "--reset-then-reuse-values"]
        render(real(os.environ["HELM"], "template", name, *words))
    elif verb == "test":
        is_rendered("Pod", f"{name}-subaccountd-test")
    else:
        sys.exit(f"helm {verb}: no page has this yet")


def kubectl(*words):
    words = list(words)
    if words[0] == "--namespace":
        words = words[2:]
    if words[0] == "create":
        render(real("kubectl", *words, "--dry-run=client", "--output=yaml"))
    elif words[0] == "label":
        is_rendered("Namespace", words[2])
    elif words[:2] == ["apply", "--kustomize"]:
        render(real("kubectl", "kustomize", words[2]))
    else:
        target = next(word for word in words if word.startswith("deployment/"))
        is_rendered("Deployment", target.removeprefix("deployment/"))
        if words[0] == "exec":
            real(SUBACCOUNTD, *words[words.index("--") + 2 :], "--help")
        elif words[0] not in {"rollout", "port-forward"}:
            sys.exit(f"kubectl {words[0]}: no page has this yet")


def docker(verb, *words):
    if verb == "compose":
        if not pathlib.Path("compose.yaml").exists():
            sys.exit("no compose.yaml here")
    elif verb == "run":
        known = set(re.findall(r"\[env: ([A-Z_]+)", real(SUBACCOUNTD, "run", "--help")))
        options = list(zip(words, words[1:]))
        for name in (value.split("=")[0] for option, value in options if option == "--env"):
            if name not in known:
                sys.exit(f"{name} is not a variable of the program")
        for source in (value.split(":")[0] for option, value in options if option == "--volume"):
            if source.startswith("/") and not pathlib.Path(source).exists():
                sys.exit(f"{source} does not exist")
    elif verb == "exec":
        real(SUBACCOUNTD, *words[2:], "--help")
    elif verb not in {"tag", "push"}:
        sys.exit(f"docker {verb}: no page has this yet")


def install(*words):
    # Only root gives files to others.
    owned = [index for index, word in enumerate(words) if word == "-o"]
    words = [word for index, word in enumerate(words) if index not in owned and index - 1 not in owned]
    real("install", *map(below_system, words))


def make(*words):
    real("make", "--dry-run", *words)


def systemctl(*words):
    unit = next((word for word in words if word == "subaccountd"), None)
    if unit and not (SYSTEM / "etc/systemd/system/subaccountd.service").exists():
        sys.exit("the unit was not installed")


def journalctl(*words):
    systemctl(*words)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
