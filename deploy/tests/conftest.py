"""Rendering: what Helm and kustomize make of the files in deploy/."""

import functools
import json
import os
import pathlib
import re
import subprocess
import sys

import kubernetes_validate.utils as kubernetes
import pytest
import yaml

DEPLOY = pathlib.Path(__file__).resolve().parent.parent
CHART = DEPLOY / "helm/subaccountd"
KUBERNETES = DEPLOY / "kubernetes"
sys.path.append(str(DEPLOY / "helm"))
SUBACCOUNTD = DEPLOY.parent / "target/debug/subaccountd"


LABEL = r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?"
SUBDOMAIN = r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?"
LABEL_VALUE = r"|[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?"


class Strict(yaml.SafeLoader):
    """Refuses a key that is there twice, as the API server does."""

    def construct_mapping(self, node, deep=False):
        keys = [key.value for key, _ in node.value]
        assert len(keys) == len(set(keys)), f"a key twice: {sorted(keys)}, line {node.start_mark.line + 1}"
        return super().construct_mapping(node, deep)


def objects(text):
    return [document for document in yaml.load_all(text, Strict) if document]


def check_names(o):
    """What the API server checks and the schemas of Kubernetes do not say: the forms of names, labels and variables."""
    meta = o["metadata"]
    assert re.fullmatch(LABEL if o["kind"] == "Service" else SUBDOMAIN, meta["name"]), meta["name"]
    pods = [o] if o["kind"] == "Pod" else [o["spec"]["template"]] if o["kind"] == "Deployment" else []
    for each in [meta, *(pod["metadata"] for pod in pods)]:
        for value in each.get("labels", {}).values():
            assert re.fullmatch(LABEL_VALUE, value), value
        assert all(isinstance(value, str) for value in each.get("annotations", {}).values())
    for pod in (pod["spec"] for pod in pods):
        volumes = [volume["name"] for volume in pod.get("volumes", [])]
        assert len(volumes) == len(set(volumes)) and all(re.fullmatch(SUBDOMAIN, name) for name in volumes)
        for each in pod.get("initContainers", []) + pod["containers"]:
            for names in ([e["name"] for e in each.get("env", [])], [m["mountPath"] for m in each.get("volumeMounts", [])]):
                assert len(names) == len(set(names)), names
            assert all(isinstance(e.get("value", ""), str) for e in each.get("env", []))
            assert all(isinstance(argument, str) for argument in each.get("args", []))


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
        return subprocess.run(command, input=json.dumps(values, ensure_ascii=False), capture_output=True, text=True)

    def render(values=None, **kwargs):
        result = run(values or {}, **kwargs)
        assert result.returncode == 0, result.stderr
        return objects(result.stdout)

    def fails(values, **kwargs):
        result = run(values, **kwargs)
        assert result.returncode != 0, "rendered, but it must not"
        return result.stderr

    render.run, render.fails = run, fails
    return render


@pytest.fixture(scope="session")
def kustomize():
    def render(folder):
        result = subprocess.run(["kubectl", "kustomize", KUBERNETES / folder], capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
        return objects(result.stdout)

    return render


# The definitions of a version are large: each file is read once.
kubernetes.schema_contents = functools.cache(kubernetes.schema_contents)


@pytest.fixture(scope="session")
def valid():
    """Validates the objects of the Kubernetes API strictly, for the oldest and the newest version."""

    def check(rendered):
        for o in rendered:
            check_names(o)
            # The others are of operators.
            if "." not in o["apiVersion"].split("/")[0] or o["apiVersion"].startswith("networking.k8s.io/"):
                for version in os.environ["KUBERNETES_VERSIONS"].split():
                    kubernetes.validate(o, version, strict=True)

    return check
