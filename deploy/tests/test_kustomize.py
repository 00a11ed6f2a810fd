"""The base and the overlays of kustomize."""

import re
import shutil
import subprocess

import pytest
import yaml
from conftest import KUBERNETES, SUBACCOUNTD, container, env, objects, one

OVERLAYS = sorted(path.name for path in (KUBERNETES / "overlays").iterdir())


def test_the_overlays_are_those_of_the_readme():
    assert OVERLAYS == ["configmap", "git-sync", "observe-only", "sidecar", "status-proxy"]
    readme = (KUBERNETES / "README.md").read_text()
    assert all(f"(overlays/{name})" in readme for name in OVERLAYS)


@pytest.mark.parametrize("folder", ["base", *(f"overlays/{name}" for name in OVERLAYS)])
def test_every_object_is_valid_and_there_is_one_daemon(kustomize, valid, folder):
    rendered = kustomize(folder)
    valid(rendered)
    deployment = one(rendered, "Deployment")
    assert deployment["spec"]["replicas"] == 1
    assert deployment["spec"]["strategy"] == {"type": "Recreate"}
    assert container(deployment)["image"] == "registry.example.com/subaccountd:0.1.0"
    selector = one(rendered, "Service")["spec"]["selector"]
    assert selector == deployment["spec"]["selector"]["matchLabels"]
    assert set(selector) == {"app.kubernetes.io/name", "app.kubernetes.io/instance"}
    labelled = [o for o in rendered if o["metadata"]["name"].startswith("subaccountd")]
    assert all(selector.items() <= o["metadata"]["labels"].items() for o in labelled)
    pod = deployment["spec"]["template"]["spec"]
    volumes = {volume["name"] for volume in pod["volumes"]}
    mounts = {m["name"] for c in pod.get("initContainers", []) + pod["containers"] for m in c.get("volumeMounts", [])}
    assert mounts == volumes


def test_each_overlay_does_what_its_name_says(kustomize):
    of = {name: one(kustomize(f"overlays/{name}"), "Deployment") for name in OVERLAYS}
    assert "SUBACCOUNTD_DRY_RUN" not in env(of["configmap"])
    assert env(of["observe-only"])["SUBACCOUNTD_DRY_RUN"] == "true"
    assert env(of["git-sync"])["SUBACCOUNTD_DESIRED"] == "/git/current/desired"
    assert container(of["git-sync"], "git-sync")["restartPolicy"] == "Always"
    assert env(of["status-proxy"])["SUBACCOUNTD_STATUS_LISTEN"] == "0.0.0.0:8081"
    assert "SUBACCOUNTD_STATUS_TOKEN_FILE" in env(of["status-proxy"])
    assert [p["name"] for p in one(kustomize("overlays/status-proxy"), "Service")["spec"]["ports"]] == ["status", "metrics"]


def test_the_sidecar_is_the_container_of_the_base(kustomize):
    """What the base says of the pod, the sidecar says of its container: the pod belongs to the application."""
    base = one(kustomize("base"), "Deployment")
    sidecar = one(kustomize("overlays/sidecar"), "Deployment")
    own, other = container(base), container(sidecar)
    moved = {key: base["spec"]["template"]["spec"]["securityContext"][key] for key in ("runAsNonRoot", "runAsUser", "runAsGroup", "seccompProfile")}
    assert other == {**own, "securityContext": {**own["securityContext"], **moved}}
    assert sidecar["spec"]["template"]["spec"]["volumes"] == base["spec"]["template"]["spec"]["volumes"]


def test_the_placeholder_is_a_valid_paused_state():
    path = KUBERNETES / "overlays/configmap/desired.yaml"
    subprocess.run([SUBACCOUNTD, "validate", path], check=True)
    assert yaml.safe_load(path.read_text())["paused"] is True


def test_the_folder_of_the_readme_works_beside_a_clone(valid, tmp_path):
    shutil.copytree(KUBERNETES, tmp_path / "subaccountd/deploy/kubernetes")
    mine = tmp_path / "mine"
    mine.mkdir()
    block = re.search(r"(?ms)^```yaml\n(# kustomization.yaml\n.*?)^```$", (KUBERNETES / "README.md").read_text())[1]
    (mine / "kustomization.yaml").write_text(block)
    (mine / "desired.yaml").write_text("a: state\n")
    result = subprocess.run(["kubectl", "kustomize", mine], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    rendered = objects(result.stdout)
    valid(rendered)
    assert one(rendered, "ConfigMap", "subaccountd-desired")["data"] == {"desired.yaml": "a: state\n"}
    assert container(one(rendered, "Deployment"))["image"] == "registry.mine.example/subaccountd:0.1.0"
    assert all(o["metadata"]["namespace"] == "subaccountd" for o in rendered)
