"""The Helm chart, rendered over a matrix of values."""

import json
import re
import subprocess

import pytest
import yaml
from conftest import CHART, DEPLOY, SUBACCOUNTD, container, env, one

GIT = {"source": "gitSync", "gitSync": {"repository": "https://git.example.com/state.git", "path": "desired"}}
MATRIX = {
    "default": {},
    "dry-run": {"dryRun": True, "settings": {"interval": "30s", "maxSuspends": "20%", "maxInFlight": 1000000}},
    "own-objects": {
        "desired": {"configMap": {"existingName": "mine"}},
        "twilio": {"existingSecret": "mine", "secretKeys": {"accountSid": "sid", "authToken": "token"}},
        "journal": {"existingClaim": "mine"},
        "serviceAccount": {"create": False, "name": "mine"},
    },
    "git-https": {"desired": {**GIT, "gitSync": {**GIT["gitSync"], "passwordSecret": "git"}}},
    "git-ssh": {
        "desired": {"source": "gitSync", "gitSync": {"repository": "ssh://git@git.example.com/state", "sshSecret": "git"}},
        "networkPolicy": {"enabled": True, "from": [{"namespaceSelector": {"matchLabels": {"name": "monitoring"}}}]},
        "metrics": {"podMonitor": {"enabled": True}},
    },
    "volume": {
        "desired": {"source": "volume", "volume": {"spec": {"persistentVolumeClaim": {"claimName": "d"}}, "path": "a.yaml"}}
    },
    "external-secret": {
        "twilio": {
            "externalSecret": {
                "enabled": True,
                "secretStoreRef": {"name": "vault"},
                "accountSid": {"key": "twilio", "property": "sid"},
                "authToken": {"key": "twilio", "property": "token"},
            }
        }
    },
    "monitored": {
        "status": {"tokenSecret": "status"},
        "networkPolicy": {"enabled": True},
        "metrics": {
            "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
            "prometheusRule": {"enabled": True, "runbook": "https://wiki.example.com/runbook"},
            "dashboard": {"enabled": True},
        },
    },
    "everything-else": {
        "fullnameOverride": "a-name-that-is-longer-than-anything-that-kubernetes-takes-for-a-name",
        "commonLabels": {"team": "telephony"},
        "imagePullSecrets": [{"name": "registry"}],
        "image": {"digest": "sha256:" + "0" * 64},
        "proxy": {"https": "http://proxy.example.com:3128", "noProxy": "localhost"},
        "caConfigMap": "ca",
        "podLabels": {"a": "b"},
        "podAnnotations": {"c": "d"},
        "nodeSelector": {"disk": "ssd"},
        "tolerations": [{"operator": "Exists"}],
        "affinity": {"nodeAffinity": {}},
        "priorityClassName": "high",
        "extraEnv": [{"name": "TWILIO_REGION", "value": "ie1"}],
        "extraVolumes": [{"name": "x", "emptyDir": {}}],
        "extraVolumeMounts": [{"name": "x", "mountPath": "/x"}],
        "journal": {"storageClassName": "fast", "accessMode": "ReadWriteOnce", "annotations": {"e": "f"}},
    },
}


@pytest.mark.parametrize("name", MATRIX)
def test_every_object_is_valid(helm, valid, name):
    rendered = helm(MATRIX[name])
    valid(rendered, f"chart-{name}")
    names = [(o["kind"], o["metadata"]["name"]) for o in rendered]
    assert len(names) == len(set(names))
    for o in rendered:
        assert len(o["metadata"]["name"]) <= 63
        assert o["metadata"]["namespace"] == "twilio"
        assert o["metadata"]["labels"]["app.kubernetes.io/instance"] == "prod"


@pytest.mark.parametrize("name", MATRIX)
def test_there_is_one_daemon_without_privileges(helm, name):
    deployment = one(helm(MATRIX[name]), "Deployment")
    assert deployment["spec"]["replicas"] == 1
    assert deployment["spec"]["strategy"] == {"type": "Recreate"}
    pod = deployment["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    for each in pod.get("initContainers", []) + pod["containers"]:
        context = each["securityContext"]
        assert context["readOnlyRootFilesystem"] and not context["allowPrivilegeEscalation"]
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert not any("subPath" in mount for mount in each["volumeMounts"])
    volumes = {volume["name"] for volume in pod["volumes"]}
    assert {m["name"] for c in pod.get("initContainers", []) + pod["containers"] for m in c["volumeMounts"]} == volumes


def test_settings_become_variables(helm):
    variables = env(one(helm(MATRIX["dry-run"]), "Deployment"))
    assert variables["SUBACCOUNTD_INTERVAL"] == "30s"
    assert variables["SUBACCOUNTD_MAX_SUSPENDS"] == "20%"
    assert variables["SUBACCOUNTD_MAX_IN_FLIGHT"] == "1000000"
    assert variables["SUBACCOUNTD_DRY_RUN"] == "true"


def test_the_schema_knows_every_variable_of_the_program():
    """A setting that the program gets later must be a value of the chart, or stand in this list."""
    chosen_by_the_chart = {
        "DESIRED", "JOURNAL_DIR", "LISTEN", "STATUS_LISTEN", "STATUS_TOKEN_FILE", "DRY_RUN", "COLOR",
    }  # fmt: skip
    help_text = subprocess.run([SUBACCOUNTD, "run", "--help"], capture_output=True, text=True, check=True).stdout
    variables = set(re.findall(r"\[env: SUBACCOUNTD_([A-Z_]+)", help_text))
    schema = json.loads((CHART / "values.schema.json").read_text())
    settings = schema["properties"]["settings"]["properties"]
    snake = {"".join("_" + c if c.isupper() else c for c in name).upper() for name in settings}
    assert snake | chosen_by_the_chart == variables


def test_a_typo_in_a_value_is_refused(helm):
    assert "replicaCount" in helm.fails({"replicaCount": 2})
    assert "maxSuspend" in helm.fails({"settings": {"maxSuspend": 2}})
    assert "scraped twice" in helm.fails({"metrics": {"podMonitor": {"enabled": True}, "serviceMonitor": {"enabled": True}}})
    both = {"repository": "https://x.example/y", "passwordSecret": "a", "sshSecret": "b"}
    assert "both set" in helm.fails({"desired": {"source": "gitSync", "gitSync": both}})
    assert "gitSync.repository" in helm.fails({"desired": {"source": "gitSync"}})
    assert "secretStoreRef.name" in helm.fails({"twilio": {"externalSecret": {"enabled": True}}})


def test_two_releases_share_nothing(helm):
    first, second = (helm({}, release=release) for release in ("emea", "apac"))
    names = [{(o["kind"], o["metadata"]["name"]) for o in rendered} for rendered in (first, second)]
    assert not names[0] & names[1]
    selectors = [one(rendered, "Service")["spec"]["selector"] for rendered in (first, second)]
    assert selectors[0] != selectors[1]
    for rendered, selector in zip((first, second), selectors):
        labels = one(rendered, "Deployment")["spec"]["template"]["metadata"]["labels"]
        assert selector.items() <= labels.items()


def test_the_journal_is_kept(helm):
    claim = one(helm(), "PersistentVolumeClaim")
    assert claim["metadata"]["annotations"] == {
        "helm.sh/resource-policy": "keep",
        "argocd.argoproj.io/sync-options": "Prune=false,Delete=false",
        "kustomize.toolkit.fluxcd.io/prune": "disabled",
    }
    assert claim["spec"]["accessModes"] == ["ReadWriteOncePod"]


def test_the_status_is_reachable_only_with_a_token(helm):
    assert env(one(helm(), "Deployment"))["SUBACCOUNTD_STATUS_LISTEN"] == "127.0.0.1:8081"
    assert [p["name"] for p in one(helm(), "Service")["spec"]["ports"]] == ["metrics"]
    exposed = helm(MATRIX["monitored"])
    variables = env(one(exposed, "Deployment"))
    assert variables["SUBACCOUNTD_STATUS_LISTEN"] == "0.0.0.0:8081"
    assert variables["SUBACCOUNTD_STATUS_TOKEN_FILE"] == "/var/run/secrets/status/token"
    assert [p["name"] for p in one(exposed, "Service")["spec"]["ports"]] == ["metrics", "status"]


def test_git_sync_is_a_native_sidecar_with_its_credentials(helm):
    deployment = one(helm(MATRIX["git-https"]), "Deployment")
    sidecar = container(deployment, "git-sync")
    assert sidecar["restartPolicy"] == "Always"
    assert "--password-file=/etc/git-secret/password" in sidecar["args"]
    assert env(deployment)["SUBACCOUNTD_DESIRED"] == "/git/current/desired"
    rules = one(helm(MATRIX["git-ssh"]), "NetworkPolicy")["spec"]["egress"]
    assert {port["port"] for rule in rules for port in rule["ports"]} == {53, 443, 22}


def test_the_alerts_watch_their_own_release(helm):
    rule = one(helm(MATRIX["monitored"], release="emea", namespace="n"), "PrometheusRule")
    alerts = rule["spec"]["groups"][0]["rules"]
    source = yaml.safe_load((DEPLOY / "prometheus/alerts.yaml").read_text())["groups"][0]["rules"]
    assert [a["alert"] for a in alerts] == [a["alert"] for a in source]
    for alert in alerts:
        assert 'job="emea-subaccountd", namespace="n"' in alert["expr"]
        assert 'job="subaccountd"' not in alert["expr"]
        assert alert["annotations"]["runbook_url"].startswith("https://wiki.example.com/runbook#")


def test_the_placeholder_is_a_valid_paused_state(helm, tmp_path):
    state = one(helm(), "ConfigMap")["data"]["desired.yaml"]
    (tmp_path / "desired.yaml").write_text(state)
    subprocess.run([SUBACCOUNTD, "validate", tmp_path], check=True)
    assert yaml.safe_load(state)["paused"] is True


def test_one_version_is_deployed_everywhere():
    version = re.search(r'(?m)^version = "(.*)"$', (DEPLOY.parent / "Cargo.toml").read_text())[1]
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["version"] == chart["appVersion"] == version
    for path in (DEPLOY / "kubernetes").rglob("kustomization.yaml"):
        for image in yaml.safe_load(path.read_text()).get("images", []):
            assert image["name"] != "subaccountd" or image["newTag"] == version, path
