#!/bin/bash
# Replaces Google's Ops Agent, whose packages the lab cannot reach. As the original's engine does before the agent starts, it
# checks the configuration and refuses what it does not know: the rules are those of confgenerator/*.go of release 2.70.0, for
# the receivers and processors that we use. Then it prints which files each receiver would read. It sends nothing, and reads
# only JSON, not the rest of YAML.
set -euo pipefail
[[ $# == 2 && $1 == -in ]]

refuse() {
  echo "The agent config file is not valid. Detailed error: $*" >&2
  exit 1
}

jq -e . "$2" >/dev/null || refuse 'cannot be parsed'
problem=$(jq -r '
  def only($allowed; $where): keys - $allowed | .[] | "\($where): unknown field \"\(.)\"";
  def parser($where): if has("time_key") == has("time_format") then empty else "\($where): time_key needs time_format" end;
  def receiver($where):
    if .type == "files" then
      only(["type", "include_paths", "exclude_paths", "record_log_file_path", "wildcard_refresh_interval"]; $where),
      (if (.include_paths | type == "array" and length > 0 and all(type == "string")) then empty else "\($where): include_paths is required" end),
      (if (.wildcard_refresh_interval // "1s" | test("^[1-9][0-9]*s$")) then empty else "\($where): wildcard_refresh_interval" end)
    elif .type == "systemd_journald" then only(["type"]; $where)
    else "\($where): logging receiver with type \"\(.type)\" is not supported" end;
  def processor($where):
    if .type == "parse_regex" then only(["type", "field", "regex", "time_key", "time_format"]; $where), parser($where),
      (if has("regex") then empty else "\($where): regex is required" end)
    elif .type == "parse_json" then only(["type", "field", "time_key", "time_format"]; $where), parser($where)
    else "\($where): logging processor with type \"\(.type)\" is not supported" end;
  def pipelines($receivers; $processors; $where):
    (.pipelines // {}) | to_entries[] | "\($where).\(.key)" as $at | .value
    | only(["receivers", "processors"]; $at),
      ((.receivers // []) - $receivers | .[] | "\($at): receiver \"\(.)\" is not defined"),
      ((.processors // []) - $processors | .[] | "\($at): processor \"\(.)\" is not defined");
  only(["logging", "metrics", "combined", "traces", "global"]; "config"),
  (.logging // {} |
    only(["receivers", "processors", "service"]; "logging"),
    ((.receivers // {}) | to_entries[] | .key as $id | .value | receiver("receivers.\($id)")),
    ((.processors // {}) | to_entries[] | .key as $id | .value | processor("processors.\($id)")),
    ((.receivers // {} | keys) + ["syslog"]) as $receivers | (.processors // {} | keys) as $processors
    | (.service // {} | only(["pipelines", "log_level"]; "service"), pipelines($receivers; $processors; "pipelines"))),
  (.metrics // {} | only(["service"]; "metrics"), (.service // {} | pipelines(["hostmetrics"]; ["metrics_filter"]; "metrics")))
' "$2" | head -1)
[[ -z $problem ]] || refuse "$problem"

while IFS=$'\t' read -r receiver pattern; do
  for file in $pattern; do
    if [[ -f $file ]]; then echo "$receiver reads $file"; fi
  done
done < <(jq -r '.logging // {} | .receivers as $all | [(.service.pipelines // {})[] | (.receivers // [])[]] | unique[] | . as $id
  | ($all[$id].include_paths // [])[] | "\($id)\t\(.)"' "$2")
