# What somebody should be told. Each finding is a line on the serial console, which Cloud Logging gets if host.alerts is
# set; the alerts in infra/alerts/host-alerts.ts look for these lines. A finding is said again every hour while it lasts.

# Above the 80 % at which the kubelet removes images, below the 90 % at which it evicts pods.
DISK_PERCENT=85
ENDING_SECONDS=$((30 * 86400))
SAY_AGAIN_SECONDS=3600

# Prints each disk that is nearly full. The text stays the same while the disk fills, so that it is said once an hour.
full_disks() {
  local place kind used
  for place in / "$DATA_DIR" "$SERVER"; do
    # On a host whose datastore has no file system of its own, this is the data disk again.
    if [[ $place == "$SERVER" ]] && ! mountpoint -q "$SERVER"; then continue; fi
    for kind in pcent ipcent; do
      # A file system without a fixed number of inodes has no percentage of them.
      used=$(df --output="$kind" "$place" 2>/dev/null | tail -1 | tr -dc 0-9 || true)
      if ((${used:-0} >= DISK_PERCENT)); then
        printf '%s has %s %% or more of its %s in use\n' "$place" "$DISK_PERCENT" "$([[ $kind == ipcent ]] && echo inodes || echo space)"
      fi
    done
  done
}

# failed_steps WHICH: prints the steps that failed, the upgrade or all others.
failed_steps() {
  local step state message
  while IFS=$'\t' read -r step state _ message; do
    [[ $state == failed || $state == refused ]] || continue
    if [[ $1 == upgrade && $step == upgrade ]] || [[ $1 == setup && $step != upgrade ]]; then
      printf '%s: %s\n' "$step" "$message"
    fi
  done < <(cat "$RUN/steps" 2>/dev/null)
}

# Prints each certificate of the cluster, authorities too, that is about to end.
certificates_to_renew() {
  local file
  ending_certificates "$ENDING_SECONDS" | while read -r file; do
    printf '%s ends %s\n' "$file" "$(openssl x509 -noout -enddate -in "$DATA_DIR/k3s/$file" | cut -d= -f2)"
  done
}

# Prints what is wrong with k3s, if something was wrong in the round before too: whoever restarts it, it answers again
# within seconds. An upgrade and a maintenance hold the lock until it does.
cluster_down() {
  local status='' message='' mark=$RUN/cluster-down text
  if is_set_up; then read -r _ status message <<<"$(node_state)"; fi
  # Before a shutdown the kubelet is not Ready for as long as it lets pods end.
  if ! is_set_up || [[ $status == True || $message == *'node is shutting down'* ]]; then
    rm -f "$mark"
    return
  fi
  text='the node is not Ready'
  [[ -n $status ]] || text='the API of k3s does not answer'
  if [[ -e $mark ]]; then printf '%s\n' "$text"; fi
  touch "$mark"
}

# say_findings KIND: says each line of the input, unless that was said within the hour.
say_findings() {
  local text said
  while read -r text; do
    said=$RUN/said/$(printf '%s %s' "$1" "$text" | sha256sum | cut -c1-16)
    if [[ -e $said ]] && (($(now) - $(stat -c %Y "$said") < SAY_AGAIN_SECONDS)); then continue; fi
    mkdir -p "$RUN/said"
    touch "$said"
    log "alert $1: $text"
  done
}

tell() {
  full_disks | say_findings disk
  certificates_to_renew | say_findings certificate
  failed_steps upgrade | say_findings upgrade
  failed_steps setup | say_findings setup
  cluster_down | say_findings cluster
}
