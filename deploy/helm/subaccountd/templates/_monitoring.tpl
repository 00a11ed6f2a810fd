{{/* The job of a ServiceMonitor, so that alerts and dashboards need one selector. */}}
{{- define "subaccountd.jobLabel" -}}
- targetLabel: job
  replacement: {{ include "subaccountd.fullname" . | quote }}
{{- end -}}

{{/* The groups of files/alerts.yaml. Several releases: each watches its own series. */}}
{{- define "subaccountd.alerts" -}}
{{- $rule := .Values.metrics.prometheusRule -}}
{{- $own := printf "job=\"%s\", namespace=\"%s\"" (include "subaccountd.fullname" .) .Release.Namespace -}}
{{- $groups := list -}}
{{- range $group := (.Files.Get "files/alerts.yaml" | fromYaml).groups -}}
{{- $kept := list -}}
{{- range $alert := $group.rules -}}
{{- if not (has $alert.alert $rule.disabled) -}}
{{- $_ := set $alert "expr" ($alert.expr | replace "job=\"subaccountd\"" $own) -}}
{{- $_ := set $alert "labels" (merge (deepCopy $rule.alertLabels) $alert.labels) -}}
{{- $_ := set $alert.annotations "runbook_url" ($alert.annotations.runbook_url | replace "https://git.example.com/subaccountd/docs/OPERATIONS.md" $rule.runbook) -}}
{{- $kept = append $kept $alert -}}
{{- end -}}
{{- end -}}
{{- $groups = append $groups (set $group "rules" $kept) -}}
{{- end -}}
{{- toYaml $groups -}}
{{- end -}}
