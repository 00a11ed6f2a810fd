{{/* What the schema of the values cannot say, or not in words that help. */}}
{{- define "subaccountd.checks" -}}
{{- $name := include "subaccountd.fullname" . -}}
{{- if not (regexMatch "^[a-z]([a-z0-9-]*[a-z0-9])?$" $name) -}}
{{- fail (printf "the name `%s` of the objects is not valid for a Service; set fullnameOverride to lower-case letters, digits and dashes that begin with a letter" $name) -}}
{{- end -}}
{{- if and .Values.metrics.podMonitor.enabled .Values.metrics.serviceMonitor.enabled -}}
{{- fail "metrics: podMonitor and serviceMonitor are both enabled, so the daemon would be scraped twice; enable one" -}}
{{- end -}}
{{- if eq .Values.desired.source "gitSync" -}}
{{- with .Values.desired.gitSync -}}
{{- if not .repository -}}
{{- fail "desired.gitSync.repository: needed with desired.source=gitSync; set the address of the repository" -}}
{{- end -}}
{{- if regexMatch "^[a-z]+://[^/]*:[^/]*@" .repository -}}
{{- fail "desired.gitSync.repository: has a password, which everybody who may read the pod would see; name its Secret in passwordSecret" -}}
{{- end -}}
{{- if and .passwordSecret .sshSecret -}}
{{- fail "desired.gitSync: passwordSecret and sshSecret are both set; name the one that the repository needs" -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and (eq .Values.desired.source "volume") (not .Values.desired.volume.spec) -}}
{{- fail "desired.volume.spec: needed with desired.source=volume; set the source of the volume" -}}
{{- end -}}
{{- if and (eq .Values.desired.source "configMap") (not .Values.desired.configMap.existingName) (not .Values.desired.configMap.files) -}}
{{- fail "desired.configMap: has neither files nor existingName; set one of them" -}}
{{- end -}}
{{- with .Values.twilio.externalSecret -}}
{{- if .enabled -}}
{{- if not .secretStoreRef.name -}}
{{- fail "twilio.externalSecret.secretStoreRef.name: needed; set the name of the store" -}}
{{- end -}}
{{- range $key := list "accountSid" "authToken" -}}
{{- if not (dig $key "key" "" $.Values.twilio.externalSecret) -}}
{{- fail (printf "twilio.externalSecret.%s: has no `key`; set {key: …, property: …}" $key) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $value := list "commonLabels" "podLabels" -}}
{{- range $label := keys (get $.Values $value) | sortAlpha -}}
{{- if regexMatch "^(app[.]kubernetes[.]io/(name|instance|version|managed-by)|helm[.]sh/chart)$" $label -}}
{{- fail (printf "%s: `%s` is set by the chart; use another label" $value $label) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range .Values.extraEnv -}}
{{- if or (hasPrefix "SUBACCOUNTD_" .name) (has .name (list "TWILIO_ACCOUNT_SID" "TWILIO_AUTH_TOKEN_FILE")) -}}
{{- fail (printf "extraEnv: `%s` is set by the chart; use the value for it, or settings" .name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
