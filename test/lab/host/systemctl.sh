#!/bin/bash
# Replaces systemctl and journalctl, because no systemd runs in the lab's machine. It reads the real unit files and does
# what the startup script relies on: `Type=oneshot`, ExecStartPre in order (failures are ignored after a "-"), ExecStart, Restart=always
# after RestartSec, and the output of the processes for `journalctl -n N -o cat _SYSTEMD_UNIT=UNIT`.
set -euo pipefail
state=/run/stand-in-systemd
mkdir -p "$state"

# The file of a unit: ours, or that of a package.
unit_file() {
  local dir
  for dir in /etc/systemd/system /usr/lib/systemd/system; do
    if [[ -f $dir/$1 ]]; then printf '%s' "$dir/$1"; fi
  done
}

values() { sed -n "s/^$2=//p" "$(unit_file "$1")"; }

supervise() {
  local unit=$1 command delay argv
  delay=$(values "$unit" RestartSec)
  while true; do
    local ready=yes
    while read -r command; do
      if [[ $command == -* ]]; then ${command#-} || true; else $command || ready=no; fi
      [[ $ready == yes ]] || break
    done < <(values "$unit" ExecStartPre)
    if [[ $ready == yes ]]; then
      read -ra argv <<<"$(values "$unit" ExecStart)"
      "${argv[@]}" &
      echo $! >"$state/$unit.pid"
      wait $! || true
      rm -f "$state/$unit.pid"
    fi
    sleep "${delay%s}"
  done
}

start() {
  [[ -n $(unit_file "$1") ]] || { echo "Failed to start $1: Unit $1 not found." >&2 && exit 5; }
  if [[ -f $state/$1.supervisor ]]; then return; fi
  if [[ $(values "$1" Type) == oneshot ]]; then
    { values "$1" ExecStartPre && values "$1" ExecStart; } | bash -e >>"$state/$1.log" 2>&1 && return
    echo "Job for $1 failed because the control process exited with error code." >&2
    exit 1
  fi
  setsid "$0" supervise "$1" >>"$state/$1.log" 2>&1 </dev/null 9>&- &
  echo $! >"$state/$1.supervisor"
}

stop() {
  local file
  for file in "$state/$1.supervisor" "$state/$1.pid"; do
    [[ -f $file ]] || continue
    kill "$(cat "$file")" 2>/dev/null || true
    while [[ -d /proc/$(cat "$file") ]] && ! grep -q ') Z' "/proc/$(cat "$file")/stat"; do sleep 0.05; done
    rm -f "$file"
  done
}

if [[ $0 == */journalctl ]]; then
  [[ $1 == -n && $5 == _SYSTEMD_UNIT=* ]]
  tail -n "$2" "$state/${5#*=}.log"
  exit
fi
verb=$1
shift
[[ ${1:-} != --no-block ]] || shift
case $verb in
  daemon-reload) ;;
  start) start "$1" ;;
  stop) stop "$1" ;;
  restart) stop "$1" && start "$1" ;;
  # A test switches the machine off and on instead.
  reboot) touch "$state/reboot" ;;
  supervise) supervise "$1" ;;
  *) echo "the simulated systemctl does not know the verb $verb" >&2 && exit 1 ;;
esac
