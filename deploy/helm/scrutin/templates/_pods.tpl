{{- /* The pod of a process: nothing of the machine, nothing to write but what it is given. */}}
{{- define "scrutin.pod" -}}
metadata:
  labels: {{- include "scrutin.labels" . | nindent 4 }}
  {{- if and (eq .process "notary") .root.Values.witnesses }}
  # Read at a start: another policy replaces the pods.
  annotations: {scrutin/witnesses: {{ sha256sum .root.Values.witnesses | quote }}}
  {{- end }}
spec:
  {{- $own := index .root.Values .process }}
  {{- $serves := has .process (splitList " " (include "scrutin.servers" .)) }}
  {{- with .root.Values.imagePullSecrets }}
  imagePullSecrets: {{- toYaml . | nindent 4 }}
  {{- end }}
  automountServiceAccountToken: false
  # With it a pod would find the address of a service in SCRUTIN_GATEWAY_PORT.
  enableServiceLinks: false
  {{- include "scrutin.pod-security" . | nindent 2 }}
  {{- if ne .process "provision" }}
  serviceAccountName: {{ include "scrutin.name" .root }}
  # By SIGTERM a server says that it is not ready and drains, and then ends in order, as a worker
  # does at once: no hook has to wait before it. Who does not ends itself, and says why, before that.
  terminationGracePeriodSeconds: {{ add (ternary .root.Values.drainSeconds 0 $serves | int) (.root.Values.stopSeconds | int) 15 }}
  topologySpreadConstraints:
    {{- range $key := list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
    - topologyKey: {{ $key }}
      maxSkew: 1
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels: {{- include "scrutin.selector" $ | nindent 10 }}
    {{- end }}
  {{- end }}
  containers:
    - name: {{ .process }}
      image: {{ include "scrutin.image" .root }}
      imagePullPolicy: {{ .root.Values.image.pullPolicy }}
      args:
        - {{ .process }}
        {{- if eq .process "provision" }}
        {{- range $own.keys }}
        - --key={{ . }}
        {{- end }}
        {{- end }}
      env: {{- include "scrutin.environment" . | nindent 8 }}
      {{- if ne .process "provision" }}
      ports:
        - {name: http, containerPort: 8080}
      {{- include "scrutin.probes" . | nindent 6 }}
      {{- end }}
      resources: {{- toYaml $own.resources | nindent 8 }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: {drop: [ALL]}
      volumeMounts: {{- include "scrutin.mounts" . | nindent 8 }}
  volumes: {{- include "scrutin.volumes" . | nindent 4 }}
{{- end }}

{{- define "scrutin.pod-security" -}}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  # Once: keys that were made since have a mode that a second time would open to the group.
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- /* A start may read for ten minutes; /livez answers as soon as the port is open. */}}
{{- define "scrutin.probes" -}}
startupProbe:
  httpGet: {path: /livez, port: http}
  periodSeconds: 5
  failureThreshold: 120
livenessProbe:
  httpGet: {path: /livez, port: http}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 3
readinessProbe:
  httpGet: {path: /readyz, port: http}
  periodSeconds: 5
  timeoutSeconds: 3
  failureThreshold: 3
{{- end }}
