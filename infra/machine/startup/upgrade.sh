# Upgrades. The unit claude-gateway-watch waits for the metadata key to change. The old k3s runs until the new binary is
# downloaded and checked. The datastore is copied while k3s is stopped. On any failure both are restored.

# upgrade_problem FROM TO: prints why not, by the same rules as infra/machine/k3s-release.ts, which refuses at preview.
upgrade_problem() {
  local pattern='^v([0-9]+)\.([0-9]+)\.([0-9]+)\+k3s([0-9]+)$' old new part
  [[ $1 =~ $pattern ]] || { printf '%s is not a k3s release' "$1" && return; }
  old=("${BASH_REMATCH[@]:1}")
  [[ $2 =~ $pattern ]] || { printf '%s is not a k3s release' "$2" && return; }
  new=("${BASH_REMATCH[@]:1}")
  for part in 0 1 2 3; do
    if ((new[part] > old[part])); then break; fi
    if ((new[part] < old[part])); then
      printf '%s -> %s is a downgrade: the datastore cannot go back; restore a snapshot instead' "$1" "$2"
      return
    fi
  done
  if ((new[0] != old[0])); then
    printf '%s -> %s changes the major version: make a new host' "$1" "$2"
  elif ((new[1] > old[1] + 1)); then
    printf '%s -> %s skips a minor: upgrade to v%d.%d first' "$1" "$2" "${old[0]}" "$((old[1] + 1))"
  fi
}

# try_upgrade RELEASE: runs as a process of its own, so that the first failure ends it.
try_upgrade() {
  # Delete the copy of the last upgrade before setting the mark: while the mark exists, roll_back restores the copy.
  rm -rf "$STATE/datastore" "$STATE/datastore.part"
  put_file 0600 "$STATE/upgrading" <<<"$1"
  systemctl stop k3s.service
  cp -a "$SERVER" "$STATE/datastore.part" 2>"$RUN/copy.log" ||
    fail "copying the datastore failed: $(tail -1 "$RUN/copy.log")"
  sync -f "$STATE"
  mv "$STATE/datastore.part" "$STATE/datastore"
  mv "$K3S" "$K3S.previous"
  mv "$K3S.next" "$K3S"
  systemctl start --no-block k3s.service
  wait_until_ready "${1% *}"
}

# Also runs at boot, after the machine went down in the middle of an upgrade.
roll_back() {
  if [[ ! -e $STATE/upgrading ]]; then return; fi
  if cmp -s "$STATE/upgrading" "$STATE/release"; then
    rm -f "$STATE/upgrading"
    return
  fi
  systemctl stop k3s.service
  rm -rf "$STATE/datastore.part"
  # The copy stays until the next upgrade: after a second crash here, the next boot restores it again.
  if [[ -d $STATE/datastore ]]; then
    find "$SERVER" -mindepth 1 -delete
    cp -a "$STATE/datastore/." "$SERVER"
    sync -f "$SERVER"
  fi
  install_k3s
  rm -f "$STATE/upgrading"
  DETAIL='rolled back an upgrade that did not finish'
}

# upgrade RELEASE
upgrade() {
  local from to=${1% *} problem
  from=$(cut -d' ' -f1 "$STATE/release")
  problem=$(upgrade_problem "$from" "$to")
  if [[ -n $problem ]]; then
    record upgrade refused "$problem"
    publish_steps
    return
  fi
  STEP=upgrade
  rm -f "$RUN/failure"
  record upgrade running "$from -> $to"
  publish_steps
  is_release "$K3S.next" "$1" || download_release "$1" "$K3S.next"
  if "$SELF" try-upgrade "$1"; then
    put_file 0600 "$STATE/release" <<<"$1"
    rm -f "$STATE/upgrading"
    record k3s ok "$to"
    record upgrade ok "$from -> $to"
    STEP=''
    publish_steps
  else
    CAUSE="$from -> $to: $(cat "$RUN/failure"); "
    roll_back
    start_k3s
    fail "rolled back to $from"
  fi
}

watch() {
  local etag=0 wanted handled='' seconds
  # Waits for the boot that started this watch.
  "$SELF" resume || log 'an unfinished upgrade could not be rolled back'
  while true; do
    seconds=$WATCH_SECONDS
    is_set_up || seconds=$((12 * RETRY_SECONDS))
    if ! wanted=$(curl -sf --max-time $((seconds + 30)) -D "$RUN/headers" -H 'Metadata-Flavor: Google' \
      "$METADATA/instance/attributes/$RELEASE_KEY?wait_for_change=true&timeout_sec=$seconds&last_etag=$etag"); then
      sleep "$RETRY_SECONDS"
      continue
    fi
    # Without these the boot has not come as far as k3s, and will install the wanted release, or the one on the data disk.
    if [[ -x $K3S && -s $STATE/release ]]; then
      # A refused or failed upgrade is tried again only when the key changes or the machine boots.
      if [[ $wanted != "$(cat "$STATE/release")" ]]; then
        [[ $wanted == "$handled" ]] || "$SELF" upgrade "$wanted" || true
      elif grep -q '^upgrade\s\(failed\|refused\)' "$RUN/steps"; then
        record upgrade ok "stays on ${wanted% *}"
        publish_steps
      fi
      handled=$wanted
    fi
    if is_set_up; then
      "$SELF" maintain || log 'the maintenance failed; it will be tried again in the next window'
      # k3s renews its certificates when it starts, whoever started it.
      "$SELF" publish-kubeconfig || log 'the kubeconfig could not be published; it will be tried again'
      "$SELF" keep-reserve || log 'the reserve of the boot disk could not be kept; it will be tried again'
      "$SELF" send-logs || log 'the Ops Agent could not be set up; it will be tried again'
    elif [[ $etag != 0 ]]; then
      # The first answer comes at once, just after the boot failed.
      "$SELF" boot || log 'the set-up failed again; it will be tried again'
    fi
    # Not at once: what failed at boot gets a second try before somebody is told.
    [[ $etag == 0 ]] || "$SELF" tell || log 'what to tell could not be found out; it will be tried again'
    etag=$(sed -n 's/^etag: *\([^\r]*\)\r*$/\1/Ip' "$RUN/headers")
  done
}

resume() {
  # A boot that is not finished does this itself.
  if ! is_set_up || [[ ! -e $STATE/upgrading ]]; then return; fi
  roll_back
  start_k3s
}
