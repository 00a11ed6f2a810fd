"""The pages that tell how to install it: each block of commands runs as it is written, in a copy of the repository, with
stand-ins (page_tools.py) for what needs a cluster, a container engine or systemd."""

import os
import re
import shutil
import stat
import subprocess
import sys
import tarfile

import pytest
from conftest import DEPLOY, SUBACCOUNTD
from stack import MAIN, TOKEN, free_port, within

ROOT = DEPLOY.parent
VERSION = re.search(r'(?m)^version = "(.*)"$', (ROOT / "Cargo.toml").read_text())[1]
ARCHIVE = f"subaccountd-{VERSION}-x86_64-unknown-linux-gnu"
PAGES = [
    "docs/guide/src/install.md",
    "docs/guide/src/maintain.md",
    "deploy/helm/subaccountd/README.md",
    "deploy/kubernetes/README.md",
    "deploy/compose/README.md",
    "deploy/systemd/README.md",
    "deploy/prometheus/README.md",
]
TOOLS = ["docker", "helm", "install", "journalctl", "kubectl", "make", "subaccountd", "systemctl"]


def blocks(page):
    return re.findall(r"(?ms)^```sh\n(.*?)^```$", (ROOT / page).read_text())


def write_archive(path):
    """What deploy/dist.sh packs, as far as the pages name it."""
    packed = (DEPLOY / "dist.sh").read_text()
    assert "deploy/systemd/subaccountd.service deploy/systemd/environment" in packed
    with tarfile.open(path, "w:gz") as archive:
        # A link, because the program of a debug build is large.
        program = tarfile.TarInfo(f"{ARCHIVE}/subaccountd")
        program.type, program.linkname = tarfile.SYMTYPE, str(SUBACCOUNTD)
        archive.addfile(program)
        for name in ("subaccountd.service", "environment"):
            archive.add(DEPLOY / "systemd" / name, f"{ARCHIVE}/systemd/{name}")


@pytest.fixture
def desk(tmp_path):
    """A clone, with the files that a reader has written."""
    clone = tmp_path / "clone"
    ignored = shutil.ignore_patterns("__pycache__")
    for folder in ("deploy", "config"):
        shutil.copytree(ROOT / folder, clone / folder, symlinks=True, ignore=ignored)
    for file in ("Makefile", "Cargo.toml", "Dockerfile"):
        shutil.copy(ROOT / file, clone)
    (clone / "auth-token").write_text(TOKEN)
    (clone / "desired.yaml").write_text(f"apiVersion: subaccountd/v1\nkind: DesiredState\nmainAccount:\n  sid: {MAIN}\nsubaccounts: []\n")
    (clone / "dist").mkdir()
    write_archive(clone / f"dist/{ARCHIVE}.tar.gz")
    shutil.copy(clone / f"dist/{ARCHIVE}.tar.gz", clone)
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in TOOLS:
        path = tools / tool
        path.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{DEPLOY}/tests/page_tools.py" {tool} "$@"\n')
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return tmp_path


@pytest.fixture(scope="module")
def twilio(tmp_path_factory):
    """The address of a simulated Twilio."""
    port = free_port()
    command = [ROOT / "target/debug/twilio-sim", "--listen", f"127.0.0.1:{port}", "--world", ROOT / "config/demo/world.yaml"]
    with (tmp_path_factory.mktemp("sim") / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        within(20, "the simulator", lambda: not subprocess.run(["bash", "-c", f"</dev/tcp/127.0.0.1/{port}"], capture_output=True).returncode)
        yield f"http://127.0.0.1:{port}"
        process.terminate()
        process.wait(10)


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_a_page_run_as_they_are_written(desk, twilio, page):
    found = blocks(page)
    assert found
    # A page is read from its beginning to its end, so its blocks share a shell: each begins in the root of the clone.
    script = "".join(f"cd {desk}/clone\n{block}\n" for block in found).replace("AC…", MAIN)
    variables = {
        "PATH": f"{desk}/bin:{os.environ['PATH']}",
        "REAL_PATH": os.environ["PATH"],
        "PAGE_ROOT": str(desk),
        "SUBACCOUNTD_TWILIO_URL": twilio,
        "SUBACCOUNTD_LISTEN": f"127.0.0.1:{free_port()}",
        "SUBACCOUNTD_STATUS_LISTEN": f"127.0.0.1:{free_port()}",
    }
    result = subprocess.run(["bash", "-eu"], input=script, env={**os.environ, **variables}, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, f"{script}\n---\n{result.stdout}\n{result.stderr}"


def test_the_pages_are_all_that_have_commands():
    """A page with commands that is new is added above, or has none that install."""
    found = {str(path.relative_to(ROOT)) for path in DEPLOY.rglob("README.md") if blocks(path.relative_to(ROOT))}
    assert found <= set(PAGES)


def test_a_wrong_name_on_a_page_is_noticed(desk):
    (desk / "rendered").write_text("kind: Deployment\nmetadata:\n  name: prod-subaccountd\n")
    tools = [sys.executable, DEPLOY / "tests/page_tools.py"]
    variables = {**os.environ, "REAL_PATH": os.environ["PATH"], "PAGE_ROOT": str(desk)}

    def run(*words):
        return subprocess.run([*tools, *words], env=variables, capture_output=True, text=True, cwd=desk / "clone").returncode

    assert run("kubectl", "exec", "deployment/prod-subaccountd", "--", "subaccountd", "plan") == 0
    assert run("kubectl", "exec", "deployment/prod-subaccountd", "--", "subaccountd", "plann") != 0
    assert run("kubectl", "exec", "deployment/subaccountd", "--", "subaccountd", "plan") != 0
    assert run("helm", "install", "prod", "deploy/helm/subaccountd", "--set", "dryrun=true") != 0
    assert run("make", "imagge") != 0
    assert run("docker", "run", "--env", "SUBACCOUNTD_DESIRD=/x", "image") != 0
    assert run("docker", "run", "--volume", f"{desk}/absent:/x", "image") != 0
