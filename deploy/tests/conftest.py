"""Rendering: what Helm and kustomize make of the files in deploy/."""

import os
import pathlib
import subprocess

import pytest
import yaml

DEPLOY = pathlib.Path(__file__).resolve().parent.parent
CHART = DEPLOY / "helm/subaccountd"
KUBERNETES = DEPLOY / "kubernetes"
OUT = DEPLOY.parent / "target/deploy/rendered"
SUBACCOUNTD = DEPLOY.parent / "target/debug/subaccountd"


def objects(text):
    return [document for document in yaml.safe_load_all(text) if document]


def one(rendered, kind, name=None):
    found = [o for o in rendered if o["kind"] == kind and name in (None, o["metadata"]["name"])]
    assert len(found) == 1, f"{kind} {name}: {[o['metadata']['name'] for o in found]}"
    return found[0]


def container(deployment, name="subaccountd"):
    pod = deployment["spec"]["template"]["spec"]
    return next(c for c in pod.get("initContainers", []) + pod["containers"] if c["name"] == name)


def env(deployment):
    return {e["name"]: e.get("value") for e in container(deployment)["env"]}


@pytest.fixture(scope="session")
def helm():
    """Renders the chart with values; `fails` returns the message of a rendering that must fail."""

    def run(values, release="prod", namespace="twilio"):
        command = [os.environ["HELM"], "template", release, CHART, "--namespace", namespace, "--values", "-"]
        return subprocess.run(command, input=yaml.safe_dump(values), capture_output=True, text=True)

    def render(values=None, **kwargs):
        result = run(values or {}, **kwargs)
        assert result.returncode == 0, result.stderr
        return objects(result.stdout)

    def fails(values):
        result = run(values)
        assert result.returncode != 0, "rendered, but it must not"
        return result.stderr

    render.fails = fails
    return render


@pytest.fixture(scope="session")
def kustomize():
    def render(folder):
        result = subprocess.run(["kubectl", "kustomize", KUBERNETES / folder], capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
        return objects(result.stdout)

    return render


@pytest.fixture(scope="session")
def valid():
    """Validates the objects of the Kubernetes API strictly, for the oldest and the newest version."""

    def check(rendered, name):
        OUT.mkdir(parents=True, exist_ok=True)
        path = OUT / f"{name}.yaml"
        own = [o for o in rendered if "." not in o["apiVersion"].split("/")[0] or o["apiVersion"].startswith("networking.k8s.io/")]
        path.write_text(yaml.safe_dump_all(own))
        for version in os.environ["KUBERNETES_VERSIONS"].split():
            command = ["kubernetes-validate", "--strict", "--kubernetes-version", version, "--quiet", path]
            result = subprocess.run(command, capture_output=True, text=True)
            assert result.returncode == 0, result.stdout + result.stderr

    return check
