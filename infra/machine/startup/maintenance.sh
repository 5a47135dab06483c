# Maintenance: once in a window, restarts the machine if a new kernel waits, or k3s if one of its certificates ends soon.

# k3s renews at its start what ends within 120 days (before May 2025: 90). https://docs.k3s.io/cli/certificate
RENEW_SECONDS=$((60 * 86400))

now() {
  date -u +%s
}

at() {
  date -u -d "@$1" +%Y-%m-%dT%H:%MZ
}

# window DAY HOUR HOURS: prints when the last window opened, when it closed or will close, and when the next one opens.
window() {
  local now opened period=$((7 * 86400))
  now=$(now)
  if [[ $1 == 0 ]]; then
    period=86400
    opened=$((now - now % 86400 + $2 * 3600))
  else
    # The first day of the epoch was a Thursday.
    opened=$((now - now % 86400 - ((now / 86400 + 3 - $1 + 1) % 7 + 7) % 7 * 86400 + $2 * 3600))
  fi
  ((opened <= now)) || opened=$((opened - period))
  printf '%s %s %s\n' "$opened" "$((opened + $3 * 3600))" "$((opened + period))"
}

# Prints why the machine has to restart; nothing if it has not.
reboot_reason() {
  local newest
  if [[ -e /run/reboot-required ]]; then
    printf 'Debian asks for it'
    return
  fi
  newest=$(find /boot -maxdepth 1 -name 'vmlinuz-*' -printf '%f\n' 2>/dev/null | sort -V | tail -1 || true)
  if [[ -n $newest && $newest != "vmlinuz-$(uname -r)" ]]; then printf 'kernel %s' "${newest#vmlinuz-}"; fi
}

# ending_certificates SECONDS: prints each certificate of the cluster that ends within that time.
ending_certificates() {
  local file
  for file in "$DATA_DIR"/k3s/server/tls/*.crt "$DATA_DIR"/k3s/server/tls/*/*.crt "$DATA_DIR"/k3s/agent/*.crt; do
    if ! openssl x509 -noout -in "$file" 2>/dev/null; then continue; fi
    if openssl x509 -noout -checkend "$1" -in "$file" >/dev/null; then continue; fi
    printf '%s\n' "${file#"$DATA_DIR/k3s/"}"
  done
}

# Prints a certificate that ends soon; nothing if none does. k3s renews no authority: those last ten years.
ending_certificate() {
  ending_certificates "$RENEW_SECONDS" | { grep -v -e '-ca\.' || true; } | head -1
}

# note_maintenance WHAT
note_maintenance() {
  put_file 0600 "$STATE/maintenance" <<<"$(at "$(now)") $1"
}

maintain() {
  local day hour hours kernel opened closes next reboot ending message
  read -r day hour hours kernel < <(metadata "instance/attributes/$MAINTENANCE_KEY" && echo) || day=off
  reboot=$(reboot_reason)
  ending=$(ending_certificate)
  STEP=maintenance
  rm -f "$RUN/failure"
  if [[ $day != off ]]; then
    read -r opened closes next < <(window "$day" "$hour" "$hours")
    if (($(now) < closes)) && [[ $(cat "$STATE/maintained" 2>/dev/null) != "$opened" ]]; then
      if [[ -n $reboot && $kernel == reboot ]]; then
        put_file 0600 "$STATE/maintained" <<<"$opened"
        note_maintenance "restarted the machine: $reboot"
        record maintenance running "restarting the machine: $reboot"
        publish_steps
        sync
        systemctl reboot
        STEP=''
        return
      elif [[ -n $ending ]]; then
        put_file 0600 "$STATE/maintained" <<<"$opened"
        record maintenance running "restarting k3s: certificate $ending ends soon"
        publish_steps
        systemctl stop k3s.service
        start_k3s
        if [[ -n $(ending_certificate) ]]; then fail "k3s was restarted, but did not renew $(ending_certificate)"; fi
        note_maintenance "restarted k3s: certificate $ending was about to end"
        ending=''
      fi
    fi
    message="last: $(cat "$STATE/maintenance" 2>/dev/null || printf none); next: $(at "$next")"
  else
    message="last: $(cat "$STATE/maintenance" 2>/dev/null || printf none); next: never, host.maintenance is false"
  fi
  message+="${reboot:+; a restart of the machine is due: $reboot}${ending:+; certificate $ending ends soon}"
  STEP=''
  if [[ $message == "$(cat "$RUN/maintenance" 2>/dev/null)" ]]; then return; fi
  printf '%s' "$message" >"$RUN/maintenance"
  record maintenance ok "$message"
  publish_steps
}
