{{/* What the schema of the values cannot say in words. */}}
{{- define "subaccountd.checks" -}}
{{- if and .Values.metrics.podMonitor.enabled .Values.metrics.serviceMonitor.enabled -}}
{{- fail "metrics: podMonitor and serviceMonitor are both enabled, so the daemon would be scraped twice; enable one" -}}
{{- end -}}
{{- with .Values.desired.gitSync -}}
{{- if and .passwordSecret .sshSecret -}}
{{- fail "desired.gitSync: passwordSecret and sshSecret are both set; name the one that the repository needs" -}}
{{- end -}}
{{- end -}}
{{- end -}}
