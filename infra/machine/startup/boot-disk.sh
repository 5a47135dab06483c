# The boot disk can be full when the machine starts: a pod's log grows by gigabytes within the 10 s after which the kubelet
# rotates it. Only k3s makes room, by evicting pods, so a boot comes as far as that: it writes only what has changed, and
# a full disk gets back the blocks of a reserve.

RESERVE=/var/lib/claude-gateway/reserve
RESERVE_MIB=64
# With less, the reserve is spent: this script and its files have less than one, the rest is for k3s and the kubelet.
LOW_MIB=32

# has_room MIB: whether root can write a new file of that size on the boot disk. It is tried, because ext4 counts some of
# the blocks as free that it keeps for itself.
has_room() {
  local file=$RESERVE.room found=0
  { mkdir -p "$(dirname "$file")" && fallocate -l "${1}MiB" "$file"; } 2>"$RUN/room.log" || found=1
  rm -f "$file"
  return "$found"
}

spend_reserve() {
  if [[ ! -e $RESERVE ]] || has_room "$LOW_MIB"; then return; fi
  rm -f "$RESERVE"
  DETAIL="the boot disk is full, its reserve of $RESERVE_MIB MiB is spent"
}

# Much more room than what spending it leaves, so that no disk gives and takes it in turn.
keep_reserve() {
  if [[ -e $RESERVE ]] || ! has_room $((4 * RESERVE_MIB)); then return; fi
  fallocate -l "${RESERVE_MIB}MiB" "$RESERVE.new"
  mv "$RESERVE.new" "$RESERVE"
}

# Also runs when the reserve was spent at an earlier boot. Then the script and the files of the last boot stay, all of them.
# The script of an older release needs room itself: better this one fails, and says why.
put_script_and_files() {
  spend_reserve
  if ! cmp -s "${BASH_SOURCE[0]}" "$SELF"; then
    if grep -qs '^put_script_and_files()' "$SELF" && ! has_room 1; then
      touch "$RUN/last-configuration"
      log 'the boot disk has no room for this configuration: starting with the last one'
      exec "$SELF" boot
    fi
    put_file 0755 "$SELF" <"${BASH_SOURCE[0]}"
    if [[ -e $RUN/last-configuration ]]; then
      rm -f "$RUN/last-configuration"
      record configuration ok ''
    fi
  fi
  write_files
}

# Somebody has to be told that the machine runs without what it was restarted for.
report_configuration() {
  if [[ -e $RUN/last-configuration ]]; then
    record configuration failed 'the boot disk had no room for a new one, so the machine runs with the last one; make room, then reset the machine'
  fi
}
