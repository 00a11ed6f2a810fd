{{/* The name of the chart, as labels show it. */}}
{{- define "subaccountd.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* The name of the release's objects; short enough for the suffixes of all of them. What is cut off stays in a digest, so
that two long names do not become one. */}}
{{- define "subaccountd.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- $full = default $full .Values.fullnameOverride -}}
{{- if gt (len $full) 52 -}}
{{- $full = printf "%s-%s" (trunc 43 $full | trimAll "-") (sha256sum $full | trunc 8) -}}
{{- end -}}
{{- $full -}}
{{- end -}}

{{/* The labels that select the pod. They never change for a release. */}}
{{- define "subaccountd.selectorLabels" -}}
app.kubernetes.io/name: {{ include "subaccountd.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- define "subaccountd.labels" -}}
{{ include "subaccountd.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | quote }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The labels of the pod of `helm test`. Its name is another one, so that the Service does not lead to it. */}}
{{- define "subaccountd.testLabels" -}}
app.kubernetes.io/name: {{ include "subaccountd.name" . | trunc 58 | trimSuffix "-" }}-test
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
{{- end -}}

{{/* The labels of one object: {root: $, with: labels of its own}. A label of its own wins over a common one. */}}
{{- define "subaccountd.labelsWith" -}}
{{- merge (deepCopy .with) (include "subaccountd.labels" .root | fromYaml) | toYaml -}}
{{- end -}}

{{- define "subaccountd.serviceAccountName" -}}
{{- default (ternary (include "subaccountd.fullname" .) "default" .Values.serviceAccount.create) .Values.serviceAccount.name -}}
{{- end -}}

{{- define "subaccountd.secretName" -}}
{{- default (printf "%s-twilio" (include "subaccountd.fullname" .)) .Values.twilio.existingSecret -}}
{{- end -}}

{{- define "subaccountd.desiredConfigMapName" -}}
{{- default (printf "%s-desired" (include "subaccountd.fullname" .)) .Values.desired.configMap.existingName -}}
{{- end -}}

{{- define "subaccountd.journalClaimName" -}}
{{- default (printf "%s-journal" (include "subaccountd.fullname" .)) .Values.journal.existingClaim -}}
{{- end -}}

{{- define "subaccountd.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}
{{- end -}}

{{- define "subaccountd.gitSyncImage" -}}
{{- with .Values.desired.gitSync.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The path of the state in the container. */}}
{{- define "subaccountd.desiredPath" -}}
{{- if eq .Values.desired.source "gitSync" -}}
{{ printf "/git/current/%s" .Values.desired.gitSync.path | trimSuffix "/" }}
{{- else if eq .Values.desired.source "volume" -}}
{{ printf "/etc/subaccountd/%s" .Values.desired.volume.path | trimSuffix "/" }}
{{- else -}}
/etc/subaccountd
{{- end -}}
{{- end -}}

{{/* A value of `settings` as the text of a variable: Helm reads whole numbers as floating-point ones. */}}
{{- define "subaccountd.setting" -}}
{{- if kindIs "float64" . }}{{ int64 . }}{{ else }}{{ toString . }}{{ end -}}
{{- end -}}

{{/* The security context of every container. */}}
{{- define "subaccountd.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop:
    - ALL
{{- end -}}
