{{/* The environment of the daemon. */}}
{{- define "subaccountd.env" -}}
- name: SUBACCOUNTD_DESIRED
  value: {{ include "subaccountd.desiredPath" . | quote }}
- name: SUBACCOUNTD_JOURNAL_DIR
  value: /var/lib/subaccountd
- name: SUBACCOUNTD_LISTEN
  value: 0.0.0.0:8080
- name: SUBACCOUNTD_STATUS_LISTEN
  value: {{ ternary "0.0.0.0:8081" "127.0.0.1:8081" (ne .Values.status.tokenSecret "") | quote }}
{{- if .Values.status.tokenSecret }}
- name: SUBACCOUNTD_STATUS_TOKEN_FILE
  value: /var/run/secrets/status/token
{{- end }}
- name: TWILIO_ACCOUNT_SID
  valueFrom:
    secretKeyRef:
      name: {{ include "subaccountd.secretName" . | quote }}
      key: {{ .Values.twilio.secretKeys.accountSid | quote }}
# A file, so that a new token is loaded without a restart.
- name: TWILIO_AUTH_TOKEN_FILE
  value: /var/run/secrets/twilio/auth-token
{{- if .Values.dryRun }}
- name: SUBACCOUNTD_DRY_RUN
  value: "true"
{{- end }}
{{- range $name, $value := .Values.settings }}
- name: SUBACCOUNTD_{{ snakecase $name | upper }}
  value: {{ include "subaccountd.setting" $value | quote }}
{{- end }}
{{- with .Values.proxy.https }}
- name: HTTPS_PROXY
  value: {{ . | quote }}
{{- end }}
{{- with .Values.proxy.noProxy }}
- name: NO_PROXY
  value: {{ . | quote }}
{{- end }}
{{- if .Values.caConfigMap }}
- name: SSL_CERT_FILE
  value: /etc/ssl/custom/ca.crt
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Whole directories: with a subPath a change would never arrive. */}}
{{- define "subaccountd.volumeMounts" -}}
- name: desired
  mountPath: {{ ternary "/git" "/etc/subaccountd" (eq .Values.desired.source "gitSync") | quote }}
  readOnly: true
- name: twilio
  mountPath: /var/run/secrets/twilio
  readOnly: true
- name: journal
  mountPath: /var/lib/subaccountd
{{- if .Values.status.tokenSecret }}
- name: status-token
  mountPath: /var/run/secrets/status
  readOnly: true
{{- end }}
{{- if .Values.caConfigMap }}
- name: ca
  mountPath: /etc/ssl/custom
  readOnly: true
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "subaccountd.volumes" -}}
- name: desired
  {{- if eq .Values.desired.source "gitSync" }}
  emptyDir: {}
  {{- else if eq .Values.desired.source "volume" }}
  {{- toYaml .Values.desired.volume.spec | nindent 2 }}
  {{- else }}
  configMap:
    name: {{ include "subaccountd.desiredConfigMapName" . | quote }}
  {{- end }}
- name: twilio
  secret:
    secretName: {{ include "subaccountd.secretName" . | quote }}
    defaultMode: 288  # 0440
    items:
      - key: {{ .Values.twilio.secretKeys.authToken | quote }}
        path: auth-token
- name: journal
  persistentVolumeClaim:
    claimName: {{ include "subaccountd.journalClaimName" . | quote }}
{{- with .Values.status.tokenSecret }}
- name: status-token
  secret:
    secretName: {{ . | quote }}
    defaultMode: 288  # 0440
{{- end }}
{{- with .Values.caConfigMap }}
- name: ca
  configMap:
    name: {{ . | quote }}
{{- end }}
{{- if eq .Values.desired.source "gitSync" }}
- name: git-sync-tmp
  emptyDir: {}
{{- range $name := list .Values.desired.gitSync.passwordSecret .Values.desired.gitSync.sshSecret | compact }}
- name: git-credentials
  secret:
    secretName: {{ $name | quote }}
    defaultMode: 288  # 0440
{{- end }}
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* git-sync as a native sidecar: the daemon starts after the first sync. */}}
{{- define "subaccountd.gitSync" -}}
{{- $git := .Values.desired.gitSync -}}
- name: git-sync
  image: {{ include "subaccountd.gitSyncImage" . | quote }}
  imagePullPolicy: {{ $git.image.pullPolicy | quote }}
  restartPolicy: Always
  args:
    - {{ printf "--repo=%s" (required "desired.gitSync.repository is needed with desired.source=gitSync" $git.repository) | quote }}
    - {{ printf "--ref=%s" $git.ref | quote }}
    - --root=/git
    # The daemon finds the commit in the target of this link.
    - --link=current
    - {{ printf "--period=%s" $git.period | quote }}
    - --depth=1
    # The tree of an old commit is removed at once: the daemon never reads it again.
    - --stale-worktree-timeout=0s
    - --max-failures=-1
    - --http-bind=:1234
    - --http-metrics
    {{- if $git.passwordSecret }}
    - --username=$(GIT_USERNAME)
    - --password-file=/etc/git-secret/password
    {{- end }}
    {{- if $git.sshSecret }}
    - --ssh-key-file=/etc/git-secret/ssh
    - --ssh-known-hosts-file=/etc/git-secret/known_hosts
    {{- end }}
  {{- if $git.passwordSecret }}
  env:
    - name: GIT_USERNAME
      valueFrom:
        secretKeyRef:
          name: {{ $git.passwordSecret | quote }}
          key: username
  {{- end }}
  ports:
    - name: git-metrics
      containerPort: 1234
  startupProbe:
    httpGet:
      path: /
      port: git-metrics
    periodSeconds: 2
    timeoutSeconds: 5
    failureThreshold: 150
  {{- with $git.resources }}
  resources:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    {{- with $git.runAsUser }}
    runAsUser: {{ int64 . }}
    {{- end }}
    {{- include "subaccountd.containerSecurityContext" . | nindent 4 }}
  volumeMounts:
    - name: desired
      mountPath: /git
    - name: git-sync-tmp
      mountPath: /tmp
    {{- if or $git.passwordSecret $git.sshSecret }}
    - name: git-credentials
      mountPath: /etc/git-secret
      readOnly: true
    {{- end }}
{{- end -}}
