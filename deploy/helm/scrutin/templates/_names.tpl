{{- /* Begins every name. Helm takes releases that begin with a digit or have dots, a Service does not. */}}
{{- define "scrutin.name" -}}
{{- $name := .Release.Name | trunc 30 | replace "." "-" | trimSuffix "-" -}}
{{- if regexMatch "^[0-9]" $name }}scrutin-{{ $name }}
{{- else if contains "scrutin" $name }}{{ $name }}{{ else }}{{ $name }}-scrutin{{ end -}}
{{- end }}

{{- define "scrutin.selector" -}}
app.kubernetes.io/name: scrutin
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
app.kubernetes.io/component: {{ .process }}
{{- end }}

{{- define "scrutin.labels" -}}
{{ include "scrutin.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{- define "scrutin.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest }}{{ $image.repository }}@{{ $image.digest }}
{{- else }}{{ $image.repository }}:{{ required "image.digest (or, for a rehearsal, image.tag)" $image.tag }}{{ end -}}
{{- end }}

{{- /* The workers, in the order of the data's way, and those whom people ask. */}}
{{- define "scrutin.workers" -}}ledger ideas patrol archive notary{{- end }}
{{- define "scrutin.servers" -}}views gateway{{- end }}

{{- /* How many of a process there may be at most. */}}
{{- define "scrutin.most" -}}
{{- $own := index .root.Values .process -}}
{{- if and (hasKey $own "autoscaling") $own.autoscaling.enabled }}{{ $own.autoscaling.most }}
{{- else }}{{ $own.replicas }}{{ end -}}
{{- end }}
