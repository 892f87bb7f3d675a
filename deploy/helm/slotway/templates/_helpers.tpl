{{- define "slotway.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "slotway.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains (include "slotway.name" .) .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "slotway.name" .) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "slotway.headless" -}}
{{- printf "%s-nodes" (include "slotway.fullname" . | trunc 57 | trimSuffix "-") -}}
{{- end -}}

{{- define "slotway.selectorLabels" -}}
app.kubernetes.io/name: {{ include "slotway.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "slotway.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "slotway.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "slotway.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "slotway.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "slotway.image" -}}
{{- $name := printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- if .Values.image.registry -}}{{ .Values.image.registry }}/{{ end -}}{{ $name }}
{{- end -}}

{{- define "slotway.shape" -}}
{{- mul .Values.cluster.primaries (add 1 .Values.cluster.replicasPerPrimary) -}}
{{- end -}}

{{- define "slotway.nodes" -}}
{{- $shape := include "slotway.shape" . | int -}}
{{- $nodes := .Values.cluster.nodes | int -}}
{{- if and (gt $nodes 0) (lt $nodes $shape) -}}
{{- fail (printf "cluster.nodes is %d, but %d primaries with %d replicas each need %d" $nodes (.Values.cluster.primaries | int) (.Values.cluster.replicasPerPrimary | int) $shape) -}}
{{- end -}}
{{- ternary $nodes $shape (gt $nodes 0) -}}
{{- end -}}

{{- define "slotway.secret" -}}
{{- tpl (default (include "slotway.fullname" .) .Values.auth.usersExistingSecret) . -}}
{{- end -}}

{{/* probe: what is configured, and the path that is asked by default. */}}
{{- define "slotway.probe" -}}
{{- $probe := index . 0 -}}
{{- $path := index . 1 -}}
{{- if $probe.customProbe -}}
{{ toYaml $probe.customProbe }}
{{- else -}}
httpGet:
  path: {{ $path }}
  port: http
{{ toYaml (omit $probe "enabled" "customProbe") }}
{{- end -}}
{{- end -}}
