{{- /* What each process is told by its environment, as a map: every name is one of
scrutin/settings.py, which tests/deploy/test_chart.py holds it to, or of Amazon's library. */}}
{{- define "scrutin.settings" -}}
{{- $values := .root.Values }}
{{- $kafka := $values.kafka }}
SCRUTIN_KAFKA: {{ required "kafka.bootstrap" $kafka.bootstrap | quote }}
SCRUTIN_KAFKA_PROTOCOL: {{ $kafka.protocol | quote }}
{{- if hasPrefix "SASL_" $kafka.protocol }}
SCRUTIN_KAFKA_MECHANISM: {{ $kafka.mechanism | quote }}
SCRUTIN_KAFKA_USERNAME: {{ printf "%s%s" $kafka.accounts.prefix .process | quote }}
SCRUTIN_KAFKA_PASSWORD_FILE: /etc/scrutin/kafka/{{ $kafka.accounts.passwordKey }}
{{- else if eq $kafka.protocol "SSL" }}
SCRUTIN_KAFKA_CERTIFICATE: /etc/scrutin/kafka/user.crt
SCRUTIN_KAFKA_PRIVATE_KEY: /etc/scrutin/kafka/user.key
{{- end }}
{{- if $kafka.ca.secret }}
SCRUTIN_KAFKA_CA: /etc/scrutin/authorities/{{ $kafka.ca.key }}
{{- end }}
SCRUTIN_TOPIC_PREFIX: {{ $values.generation.prefix | quote }}
SCRUTIN_PARTITIONS: {{ $values.generation.partitions | quote }}
SCRUTIN_REPLICATION: {{ $values.generation.replication | quote }}
SCRUTIN_DATA_DIR: /var/lib/scrutin
SCRUTIN_LOG_FORMAT: json
{{- if eq .process "provision" }}
{{- else if has .process (splitList " " (include "scrutin.workers" .)) }}
SCRUTIN_HEALTH_HOST: 0.0.0.0
SCRUTIN_HEALTH_PORT: "8080"
SCRUTIN_STOP_SECONDS: {{ $values.stopSeconds | quote }}
{{- else }}
{{ include "scrutin.server-settings" . }}
{{- end }}
{{- if has .process (list "archive" "views" "gateway") }}
SCRUTIN_CLICKHOUSE_URL_FILE: /etc/scrutin/clickhouse/{{ (index $values.clickhouse .process).key }}
SCRUTIN_CLICKHOUSE_DATABASE: {{ $values.clickhouse.database | quote }}
{{- if $values.clickhouse.ca.secret }}
SCRUTIN_CLICKHOUSE_CA: /etc/scrutin/clickhouse-authorities/{{ $values.clickhouse.ca.key }}
{{- end }}
{{- if $values.clickhouse.certificates }}
SCRUTIN_CLICKHOUSE_CERTIFICATE: /etc/scrutin/clickhouse/tls.crt
SCRUTIN_CLICKHOUSE_PRIVATE_KEY: /etc/scrutin/clickhouse/tls.key
{{- end }}
{{- end }}
{{- if has .process (list "archive" "notary" "views" "gateway") }}
SCRUTIN_LOG_ORIGIN: {{ required "public.logOrigin" $values.public.logOrigin | quote }}
{{- end }}
{{- if eq .process "ledger" }}
SCRUTIN_SNAPSHOTS: {{ default "/var/lib/scrutin/shared-snapshots" $values.snapshots.store | quote }}
{{- if and $values.snapshots.store $values.snapshots.secret }}
AWS_CONFIG_FILE: /etc/scrutin/store/config
AWS_SHARED_CREDENTIALS_FILE: /etc/scrutin/store/credentials
{{- end }}
{{- end }}
{{- if and (eq .process "notary") $values.witnesses }}
SCRUTIN_WITNESSES: /etc/scrutin/witnesses/policy
{{- end }}
{{- if get (dict "patrol" $values.keys.guard "notary" $values.keys.clerk) .process }}
SCRUTIN_CONTROL_KEYS: /var/lib/scrutin/control
{{- end }}
{{- end }}

{{- define "scrutin.server-settings" -}}
{{- $values := .root.Values }}
{{- $kind := upper .process }}
SCRUTIN_{{ $kind }}_HOST: 0.0.0.0
SCRUTIN_{{ $kind }}_PORT: "8080"
SCRUTIN_{{ $kind }}_PROXIES: {{ $values.public.proxies | quote }}
SCRUTIN_DRAIN_SECONDS: {{ $values.drainSeconds | quote }}
SCRUTIN_STOP_SECONDS: {{ $values.stopSeconds | quote }}
SCRUTIN_PUBLIC_URL: {{ required "public.url" $values.public.url | quote }}
SCRUTIN_SECURITY_CONTACT: {{ $values.public.securityContact | quote }}
SCRUTIN_OPERATIONS_TOKEN_FILE: /etc/scrutin/operations/{{ $values.operations.key }}
{{- if eq .process "views" }}
SCRUTIN_GATEWAY_URL: {{ $values.public.url | quote }}
SCRUTIN_OPERATIONS_PROCESSES: {{ include "scrutin.asked" .root | quote }}
{{- else }}
{{- $most := include "scrutin.most" . }}
SCRUTIN_GATEWAY_COUNT: {{ $most | quote }}
{{- if $values.rates.secret }}
SCRUTIN_RATES_URL_FILE: /etc/scrutin/rates/{{ $values.rates.key }}
{{- end }}
{{- end }}
{{- end }}

{{- /* Whom the operators' page asks: each worker by its name, and a gateway by chance. */}}
{{- define "scrutin.asked" -}}
{{- $name := include "scrutin.name" . }}
{{- $asked := list (printf "gateway=http://%s-gateway:8080" $name) }}
{{- range $process := splitList " " (include "scrutin.workers" .) }}
{{- range $number := until (int (index $.Values $process).replicas) }}
{{- $host := printf "%s-%s-%d.%s-%s" $name $process $number $name $process }}
{{- $asked = append $asked (printf "%s-%d=http://%s:8080" $process $number $host) }}
{{- end }}
{{- end }}
{{- join "," $asked }}
{{- end }}

{{- /* The map as a container has it, with what the values add. */}}
{{- define "scrutin.environment" -}}
{{- $found := include "scrutin.settings" . | fromYaml }}
{{- $own := index .root.Values .process }}
{{- range $given := list .root.Values.settings (default dict $own.settings) }}
{{- range $name, $value := $given }}
{{- $_ := set $found (printf "SCRUTIN_%s" (upper $name)) $value }}
{{- end }}
{{- end }}
{{- range $name, $value := $found }}
- {name: {{ $name }}, value: {{ $value | quote }}}
{{- end }}
{{- end }}
