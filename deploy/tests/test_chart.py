"""The Helm chart, rendered over a matrix of values."""

import json
import re
import subprocess

import pytest
import values_table
import yaml
from conftest import CHART, DEPLOY, SUBACCOUNTD, container, env, one

GIT = {"source": "gitSync", "gitSync": {"repository": "https://git.example.com/state.git", "path": "desired"}}
LOCKED = {
    "securityContext": {
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    },
    "volumeMounts": [{"name": "x", "mountPath": "/x"}],
}
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
        "runtimeClassName": "gvisor",
        "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}],
        "dnsPolicy": "None",
        "dnsConfig": {"nameservers": ["192.0.2.53"]},
        "hostAliases": [{"ip": "192.0.2.1", "hostnames": ["git.example.com"]}],
        "revisionHistoryLimit": 0,
        "deploymentAnnotations": {"reloader.example.com/auto": "true"},
        "extraInitContainers": [{"name": "first", "image": "first:1", **LOCKED}],
        "extraContainers": [{"name": "proxy", "image": "proxy:1", **LOCKED}],
        "extraObjects": [
            {
                "apiVersion": "networking.k8s.io/v1",
                "kind": "Ingress",
                "metadata": {
                    "name": '{{ include "subaccountd.fullname" . }}-status',
                    "namespace": "twilio",
                    "labels": {"app.kubernetes.io/instance": "prod"},
                },
                "spec": {"defaultBackend": {"service": {"name": "x", "port": {"name": "status"}}}},
            }
        ],
        "extraEnv": [{"name": "TWILIO_REGION", "value": "ie1"}],
        "extraVolumes": [{"name": "x", "emptyDir": {}}],
        "extraVolumeMounts": [{"name": "x", "mountPath": "/x"}],
        "journal": {"storageClassName": "fast", "accessMode": "ReadWriteOnce", "annotations": {"e": "f"}},
    },
}


@pytest.mark.parametrize("name", MATRIX)
def test_every_object_is_valid(helm, valid, name):
    rendered = helm(MATRIX[name])
    valid(rendered)
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
    keyless = {"enabled": True, "secretStoreRef": {"name": "vault"}, "accountSid": {"key": "twilio"}}
    assert "externalSecret.authToken" in helm.fails({"twilio": {"externalSecret": keyless}})
    assert "volume.spec" in helm.fails({"desired": {"source": "volume"}})
    assert "neither files nor existingName" in helm.fails({"desired": {"configMap": {"files": {"desired.yaml": None}}}})
    secret = {"repository": "https://me:token@git.example.com/state"}
    assert "has a password" in helm.fails({"desired": {"source": "gitSync", "gitSync": secret}})
    for name in ("SUBACCOUNTD_MAX_CLOSES", "TWILIO_ACCOUNT_SID"):
        assert f"`{name}` is set by the chart" in helm.fails({"extraEnv": [{"name": name, "value": "1"}]})
    for name in ("Prod", "a_b", "-a", "a.b", "1a"):
        assert "fullnameOverride" in helm.fails({"fullnameOverride": name})
    for labels in ("commonLabels", "podLabels"):
        own = {"app.kubernetes.io/instance": "other"}
        assert f"{labels}: `app.kubernetes.io/instance` is set by the chart" in helm.fails({labels: own})
        assert labels in helm.fails({labels: {"a": "no value of a label"}})


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


def test_the_values_on_the_page_render(helm, valid):
    blocks = re.findall(r"(?ms)^```yaml\n(.*?)^```$", (CHART / "README.md").read_text())
    assert len(blocks) > 1
    for block in blocks:
        valid(helm(yaml.safe_load(block)))


def leaves(value, path=()):
    """The paths of the values that are no groups."""
    name = ".".join(path)
    if isinstance(value, dict) and value and name not in values_table.WHOLE:
        return {leaf for key in value for leaf in leaves(value[key], (*path, key))}
    return {name}


def test_the_readme_lists_every_value():
    """`make chart-readme` writes it."""
    assert (CHART / "README.md").read_text() == values_table.readme()
    described = list(values_table.values((CHART / "values.yaml").read_text()))
    listed = {name for name, default, _ in described if default}
    assert listed == leaves(yaml.safe_load((CHART / "values.yaml").read_text()))


def test_the_schema_and_the_values_have_the_same_keys():
    """`settings` and the maps of Kubernetes have keys that stand in the schema or nowhere."""

    def keys(schema, path=()):
        if "properties" not in schema or path == ("settings",):
            return {".".join(path)}
        return {key for name, inner in schema["properties"].items() for key in keys(inner, (*path, name))}

    schema = json.loads((CHART / "values.schema.json").read_text())
    assert keys(schema) - {"global"} == leaves(yaml.safe_load((CHART / "values.yaml").read_text()))


def test_one_version_is_deployed_everywhere():
    version = re.search(r'(?m)^version = "(.*)"$', (DEPLOY.parent / "Cargo.toml").read_text())[1]
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["version"] == chart["appVersion"] == version
    for path in (DEPLOY / "kubernetes").rglob("kustomization.yaml"):
        for image in yaml.safe_load(path.read_text()).get("images", []):
            assert image["name"] != "subaccountd" or image["newTag"] == version, path


def test_a_name_that_a_service_cannot_have_is_refused(helm):
    for release in ("1st", "a.b"):
        assert "not valid for a Service" in helm.fails({}, release=release)
        assert one(helm({"fullnameOverride": "first"}, release=release), "Service")["metadata"]["name"] == "first"


def test_long_names_stay_apart(helm, valid):
    """The longest releases that Helm takes; they differ in the last letter."""
    names = set()
    for release in ("r" * 52 + "a", "r" * 52 + "b"):
        rendered = helm(MATRIX["monitored"], release=release)
        valid(rendered)
        names |= {(o["kind"], o["metadata"]["name"]) for o in rendered}
    assert len(names) == 2 * len(rendered)


# Texts that YAML could take for something else.
ODD = ["true", "null", "no", "0123", "1e3", "on", "n", "x" * 63]


@pytest.mark.parametrize("odd", ODD)
def test_a_text_stays_a_text(helm, valid, odd):
    """Names of objects, keys and labels, each as a text that YAML could take for another value."""
    label = {"a": odd, "b": ""}
    values = {
        "nameOverride": odd,
        "fullnameOverride": "y" if odd[0].isdigit() else odd,
        "commonLabels": label,
        "podLabels": {"a": "own", "c": odd},
        "podAnnotations": {"a": odd, "kubectl.kubernetes.io/default-container": "mine"},
        "image": {"repository": odd, "tag": odd},
        "imagePullSecrets": [{"name": odd}],
        "twilio": {"existingSecret": odd, "secretKeys": {"accountSid": odd, "authToken": odd}},
        "desired": {
            "source": "gitSync",
            "gitSync": {"repository": "ssh://git@h/a#b: c", "ref": odd, "path": f"{odd} # : {odd}", "sshSecret": odd},
        },
        "journal": {"storageClassName": odd, "existingClaim": "", "annotations": {"helm.sh/resource-policy": odd}},
        "status": {"tokenSecret": odd},
        "serviceAccount": {"name": odd, "annotations": {"a": odd}},
        "settings": {"statusHosts": f"{odd}: \"quoted\" 'twice' \\ # {{{{ .Values }}}}", "verbs": odd},
        "proxy": {"https": f"http://{odd}", "noProxy": odd},
        "caConfigMap": odd,
        "networkPolicy": {"enabled": True, "from": [{"podSelector": {}}]},
        "metrics": {
            "prometheusRule": {"enabled": True, "runbook": f"https://h/\"{odd}\": # x"},
            "dashboard": {"enabled": True, "labels": label, "annotations": {"a": odd}},
            "podMonitor": {"enabled": True, "labels": {"a": "own"}},
        },
        "priorityClassName": odd,
        "runtimeClassName": odd,
    }
    rendered = helm(values, release="r" if odd[0].isdigit() else odd[:53], namespace=odd)
    valid(rendered)
    deployment = one(rendered, "Deployment")
    assert deployment["metadata"]["labels"]["a"] == odd
    assert deployment["spec"]["template"]["metadata"]["labels"]["a"] == "own"
    assert one(rendered, "PodMonitor")["metadata"]["labels"]["a"] == "own"
    assert deployment["spec"]["template"]["metadata"]["annotations"]["kubectl.kubernetes.io/default-container"] == "mine"
    assert env(deployment)["SUBACCOUNTD_STATUS_HOSTS"] == f"{odd}: \"quoted\" 'twice' \\ # {{{{ .Values }}}}"
    assert env(deployment)["SUBACCOUNTD_DESIRED"] == f"/git/current/{odd} # : {odd}"
    assert "--repo=ssh://git@h/a#b: c" in container(deployment, "git-sync")["args"]
    assert one(rendered, "PersistentVolumeClaim")["metadata"]["annotations"]["helm.sh/resource-policy"] == odd
    rule = one(rendered, "PrometheusRule")["spec"]["groups"][0]["rules"][0]
    assert rule["annotations"]["runbook_url"].startswith(f"https://h/\"{odd}\": # x#")


@pytest.mark.parametrize("text", ["  indented: true\n", "a: b", "# c\n\n\n", "a: \u00e9\n---\nb: |\n  \tc\n \n", "\ta\r\n", ""])
def test_a_state_arrives_as_it_was_written(helm, text):
    files = {"desired.yaml": text, "a.yml": "x: 1\n"}
    data = one(helm({"desired": {"configMap": {"files": files}}}), "ConfigMap", "prod-subaccountd-desired")["data"]
    # Helm drops empty lines at the end.
    assert {name: text.rstrip("\n") for name, text in data.items()} == {name: text.rstrip("\n") for name, text in files.items()}


def test_common_labels_are_on_every_object(helm):
    rendered = helm({**MATRIX["monitored"], "commonLabels": {"team": "telephony"}})
    assert all(o["metadata"]["labels"]["team"] == "telephony" for o in rendered if o["kind"] != "Pod")


def test_the_pod_is_placed_as_the_values_say(helm):
    values = MATRIX["everything-else"]
    pod = one(helm(values), "Deployment")["spec"]["template"]["spec"]
    placed = ["nodeSelector", "tolerations", "affinity", "topologySpreadConstraints", "priorityClassName", "runtimeClassName"]
    for name in [*placed, "dnsPolicy", "dnsConfig", "hostAliases", "imagePullSecrets"]:
        assert pod[name] == values[name], name
    assert [c["name"] for c in pod["initContainers"]] == ["first"]
    assert [c["name"] for c in pod["containers"]] == ["subaccountd", "proxy"]
    deployment = one(helm(values), "Deployment")
    assert deployment["spec"]["revisionHistoryLimit"] == 0
    assert deployment["metadata"]["annotations"] == values["deploymentAnnotations"]


def test_large_numbers_stay_whole_numbers(helm, valid):
    """Helm reads them as floating-point ones. OpenShift has users such as this."""
    user = 1000650000
    values = {
        "podSecurityContext": {"runAsUser": user},
        "desired": {**GIT, "gitSync": {**GIT["gitSync"], "runAsUser": user}},
        "terminationGracePeriodSeconds": user,
        "revisionHistoryLimit": user,
        "settings": {"maxCreates": user},
    }
    rendered = helm(values)
    valid(rendered)
    deployment = one(rendered, "Deployment")
    assert container(deployment, "git-sync")["securityContext"]["runAsUser"] == user
    assert deployment["spec"]["template"]["spec"]["securityContext"]["runAsUser"] == user
    assert env(deployment)["SUBACCOUNTD_MAX_CREATES"] == str(user)


def test_openshift_may_choose_the_users(helm, valid):
    users = {"runAsUser": None, "runAsGroup": None, "fsGroup": None}
    rendered = helm({"podSecurityContext": users, "desired": {**GIT, "gitSync": {**GIT["gitSync"], "runAsUser": None}}})
    valid(rendered)
    assert "runAsUser" not in yaml.safe_dump(rendered)
    assert one(rendered, "Deployment")["spec"]["template"]["spec"]["securityContext"]["runAsNonRoot"] is True


def test_alerts_take_labels_and_some_can_be_left_out(helm):
    rules = {"enabled": True, "alertLabels": {"team": "telephony"}, "disabled": ["SubaccountdDryRunForADay"]}
    alerts = one(helm({"metrics": {"prometheusRule": rules}}), "PrometheusRule")["spec"]["groups"][0]["rules"]
    assert all(alert["labels"]["team"] == "telephony" and alert["labels"]["severity"] for alert in alerts)
    everything = one(helm(MATRIX["monitored"]), "PrometheusRule")["spec"]["groups"][0]["rules"]
    assert {a["alert"] for a in everything} - {a["alert"] for a in alerts} == {"SubaccountdDryRunForADay"}


def test_helm_test_asks_the_service_and_is_not_part_of_it(helm):
    rendered = helm(MATRIX["git-ssh"])
    pod, service = one(rendered, "Pod"), one(rendered, "Service")
    assert pod["metadata"]["annotations"]["helm.sh/hook"] == "test"
    assert pod["spec"]["enableServiceLinks"] is False
    assert pod["spec"]["containers"][0]["args"][-1] == f"--url=http://{service['metadata']['name']}:8080"
    labels = pod["metadata"]["labels"]
    assert not service["spec"]["selector"].items() <= labels.items()
    allowed = one(rendered, "NetworkPolicy")["spec"]["ingress"][0]["from"][-1]["podSelector"]["matchLabels"]
    assert allowed == labels
