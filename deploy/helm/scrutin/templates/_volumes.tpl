{{- /* Where a process finds its secrets and folders. Secrets are of root and of the pod's group,
read-only: schemas/private_files.py takes keys that lie so. */}}
{{- define "scrutin.mounts" -}}
{{- $values := .root.Values }}
- {name: scratch, mountPath: /tmp}
{{- if ne $values.kafka.protocol "PLAINTEXT" }}
- {name: kafka, mountPath: /etc/scrutin/kafka, readOnly: true}
{{- end }}
{{- if $values.kafka.ca.secret }}
- {name: authorities, mountPath: /etc/scrutin/authorities, readOnly: true}
{{- end }}
{{- if has .process (list "archive" "views" "gateway") }}
- {name: clickhouse, mountPath: /etc/scrutin/clickhouse, readOnly: true}
{{- if $values.clickhouse.ca.secret }}
- {name: clickhouse-authorities, mountPath: /etc/scrutin/clickhouse-authorities, readOnly: true}
{{- end }}
{{- end }}
{{- if has .process (list "ledger" "patrol") }}
- {name: faust, mountPath: /var/lib/scrutin/faust}
{{- end }}
{{- if has .process (list "ledger" "gateway") }}
- {name: keys, mountPath: /var/lib/scrutin/keys, readOnly: true}
{{- end }}
{{- if get (dict "patrol" $values.keys.guard "notary" $values.keys.clerk) .process }}
- {name: control, mountPath: /var/lib/scrutin/control, readOnly: true}
{{- end }}
{{- if eq .process "ledger" }}
- {name: drafts, mountPath: /var/lib/scrutin/snapshots}
{{- if not $values.snapshots.store }}
- {name: private, mountPath: /var/lib/scrutin/shared-snapshots, subPath: snapshots}
{{- else if $values.snapshots.secret }}
- {name: store, mountPath: /etc/scrutin/store, readOnly: true}
{{- end }}
{{- else if eq .process "notary" }}
- {name: private, mountPath: /var/lib/scrutin/keys/transparency, subPath: log-keys}
- {name: public, mountPath: /var/lib/scrutin/transparency, subPath: transparency}
{{- if $values.witnesses }}
- {name: witnesses, mountPath: /etc/scrutin/witnesses, readOnly: true}
{{- end }}
{{- else if eq .process "archive" }}
{{- range $folder := list "recounts" "guard" }}
- {name: public, mountPath: /var/lib/scrutin/{{ $folder }}, subPath: {{ $folder }}}
{{- end }}
- {name: public, mountPath: /var/lib/scrutin/transparency, subPath: transparency, readOnly: true}
{{- else if has .process (list "views" "gateway") }}
- {name: operations, mountPath: /etc/scrutin/operations, readOnly: true}
{{- range $folder := list "recounts" "guard" "transparency" }}
- {name: public, mountPath: /var/lib/scrutin/{{ $folder }}, subPath: {{ $folder }}, readOnly: true}
{{- end }}
{{- if eq .process "gateway" }}
- {name: private, mountPath: /var/lib/scrutin/keys/networks, subPath: networks}
{{- if $values.rates.secret }}
- {name: rates, mountPath: /etc/scrutin/rates, readOnly: true}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "scrutin.volumes" -}}
{{- $values := .root.Values }}
{{- $name := include "scrutin.name" .root }}
- {name: scratch, emptyDir: {sizeLimit: 1Gi}}
{{- if ne $values.kafka.protocol "PLAINTEXT" }}
{{ include "scrutin.secret" (list "kafka" (printf "%s%s" $values.kafka.accounts.prefix .process)) }}
{{- end }}
{{- if $values.kafka.ca.secret }}
{{ include "scrutin.secret" (list "authorities" $values.kafka.ca.secret) }}
{{- end }}
{{- if has .process (list "archive" "views" "gateway") }}
{{ include "scrutin.secret" (list "clickhouse" (index $values.clickhouse .process).secret) }}
{{- with $values.clickhouse.ca.secret }}
{{ include "scrutin.secret" (list "clickhouse-authorities" .) }}
{{- end }}
{{- end }}
{{- if has .process (list "ledger" "patrol") }}
- {name: faust, emptyDir: {sizeLimit: 64Mi}}
{{- end }}
{{- if or (has .process (list "notary" "gateway")) (and (eq .process "ledger") (not $values.snapshots.store)) }}
- {name: private, persistentVolumeClaim: {claimName: {{ $name }}-private}}
{{- end }}
{{- if has .process (list "archive" "notary" "views" "gateway") }}
- {name: public, persistentVolumeClaim: {claimName: {{ $name }}-public}}
{{- end }}
{{- with get (dict "patrol" $values.keys.guard "notary" $values.keys.clerk) .process }}
{{ include "scrutin.secret" (list "control" .) }}
{{- end }}
{{- if and (eq .process "notary") $values.witnesses }}
- {name: witnesses, configMap: {name: {{ $name }}-witnesses}}
{{- end }}
{{- if eq .process "ledger" }}
{{ include "scrutin.secret" (list "keys" $values.keys.snapshots) }}
# On the node's own disk: a folder of others that hangs holds up no ledger. One is drafted at a time,
# at 52 bytes a vote of a partition.
- {name: drafts, emptyDir: {sizeLimit: 2Gi}}
{{- if and $values.snapshots.store $values.snapshots.secret }}
{{ include "scrutin.secret" (list "store" $values.snapshots.secret) }}
{{- end }}
{{- else if has .process (list "views" "gateway") }}
{{ include "scrutin.secret" (list "operations" $values.operations.secret) }}
{{- if eq .process "gateway" }}
{{ include "scrutin.gateway-keys" $values }}
{{- if $values.rates.secret }}
{{ include "scrutin.secret" (list "rates" $values.rates.secret) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "scrutin.secret" -}}
- {name: {{ index . 0 }}, secret: {secretName: {{ index . 1 | quote }}, defaultMode: 0440}}
{{- end }}

{{- define "scrutin.gateway-keys" -}}
- name: keys
  projected:
    defaultMode: 0440
    sources:
      - secret: {name: {{ .keys.gateway | quote }}}
      {{- range .keys.consultations }}
      # Deleted when the consultation is sealed: gateways go on without it.
      - secret:
          name: {{ .secret | quote }}
          optional: true
          items:
            - {key: pepper.key, path: consultations/c-{{ .id }}/pepper.key}
            - {key: participants-pepper.key, path: consultations/c-{{ .id }}/participants-pepper.key}
      {{- $id := .id }}
      {{- range .codes }}
      - secret:
          name: {{ .secret | quote }}
          optional: true
          items:
            - {key: codes-{{ .root }}.sha256, path: consultations/c-{{ $id }}/codes-{{ .root }}.sha256}
      {{- end }}
      {{- end }}
{{- end }}
