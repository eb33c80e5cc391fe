{{/* What everything of the control plane is called: also the Lease, and the host that sidecars know. One per cluster. */}}
{{- define "weft.name" -}}
weft-control-plane
{{- end }}

{{/* Labels by which its pods are found. They never change: a Deployment's selector can't. */}}
{{- define "weft.selector" -}}
app.kubernetes.io/name: {{ include "weft.name" . }}
{{- end }}

{{- define "weft.labels" -}}
{{ include "weft.selector" . }}
app.kubernetes.io/part-of: weft
{{- end }}

{{- define "weft.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag }}{{ end }}
{{- end }}
{{- end }}

{{/* Secret in which replicas make their CA. */}}
{{- define "weft.caSecret" -}}
weft-ca
{{- end }}

{{/* Requests and limits that are set. */}}
{{- define "weft.resources" -}}
{{- $found := dict }}
{{- range $set := list "requests" "limits" }}
{{- $quantities := dict }}
{{- range $name, $quantity := get $.Values.resources $set | default dict }}
{{- if $quantity }}{{ $_ := set $quantities $name $quantity }}{{ end }}
{{- end }}
{{- if $quantities }}{{ $_ := set $found $set $quantities }}{{ end }}
{{- end }}
{{- toYaml $found }}
{{- end }}
