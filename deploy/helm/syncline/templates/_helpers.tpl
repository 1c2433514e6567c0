{{- define "syncline.name" -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "syncline.labels" -}}
app.kubernetes.io/name: syncline
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{- define "syncline.selector" -}}
app.kubernetes.io/name: syncline
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "syncline.bootstrap" -}}
{{- if .Values.bundled.kafka.enabled -}}
{{ include "syncline.name" . }}-kafka:9092
{{- else -}}
{{ required "kafka.bootstrap must name some brokers" .Values.kafka.bootstrap }}
{{- end -}}
{{- end -}}

{{- define "syncline.secretEnv" -}}
- name: {{ .env }}
  valueFrom:
    secretKeyRef: {name: {{ .from.name | quote }}, key: {{ .from.key | quote }}}
{{- end -}}
