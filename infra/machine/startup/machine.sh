# The machine without k3s: packages, data disk, kernel settings, node firewall, files.

# put_file MODE PATH: writes stdin to the file. A file that has it already stays, because its disk may be full.
put_file() {
  cat >"$RUN/file"
  if cmp -s "$RUN/file" "$2" && [[ 0$(stat -c %a "$2") == "$1" ]]; then return; fi
  mkdir -p "$(dirname "$2")"
  if ! cp "$RUN/file" "$2.new" 2>"$RUN/put.log"; then
    rm -f "$2.new"
    fail "writing $2 failed: $(tail -1 "$RUN/put.log")"
  fi
  chmod "$1" "$2.new"
  mv "$2.new" "$2"
}

install_packages() {
  local package missing=()
  for package in ca-certificates curl ipset jq nftables; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
  done
  if ((${#missing[@]} > 0)); then
    # The VPC firewall allows only TCP 443 out.
    sed -i 's#http://#https://#g' /etc/apt/sources.list /etc/apt/sources.list.d/* /etc/apt/mirrors/* 2>/dev/null || true
    local apt=(apt-get -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 -qq)
    export DEBIAN_FRONTEND=noninteractive
    local install=("${apt[@]}" install --no-install-recommends -y "${missing[@]}") until=$((SECONDS + ATTEMPTS * RETRY_SECONDS))
    # A new image has no package lists, or old ones.
    until "${install[@]}" >"$RUN/apt.log" 2>&1 ||
      { "${apt[@]}" update && "${install[@]}"; } >"$RUN/apt.log" 2>&1; do
      ((SECONDS < until)) || fail "apt-get install ${missing[*]}: $(grep '^E:' "$RUN/apt.log" | head -1)"
      log "apt-get install: $(grep '^E:' "$RUN/apt.log" | head -1); it will be tried again"
      sleep "$RETRY_SECONDS"
    done
    DETAIL="installed ${missing[*]}"
  fi
  # If ipset does not work, k3s only logs a warning and enforces no NetworkPolicies.
  ipset list -n >/dev/null 2>"$RUN/ipset.log" || fail "ipset does not work: $(head -1 "$RUN/ipset.log")"
}

mount_data_disk() {
  local device=/dev/disk/by-id/google-data
  [[ -b $device ]] || fail "data disk $device is not attached"
  if ! mountpoint -q "$DATA_DIR"; then
    # blkid exits with 2 only if it finds nothing on the disk. A disk with unknown content is never formatted.
    local found=0
    blkid -p "$device" >/dev/null || found=$?
    if [[ $found == 2 ]]; then
      mkfs.ext4 -q -L claude-gateway "$device"
      DETAIL='formatted'
    elif [[ $found != 0 ]]; then
      fail "blkid cannot tell what is on $device (exit code $found)"
    fi
    mkdir -p "$DATA_DIR"
    mount -o noatime "$device" "$DATA_DIR"
  fi
  # Grows the file system after host.dataDiskGb grew; otherwise does nothing.
  resize2fs "$device" >"$RUN/resize.log" 2>&1 || fail "resize2fs: $(tail -1 "$RUN/resize.log")"
  # Only root may use the last 5 %: a volume that an agent fills leaves this for k3s's own files.
  tune2fs -m 5 "$device" >"$RUN/tune.log" 2>&1 || fail "tune2fs: $(tail -1 "$RUN/tune.log")"
  mkdir -p "$STATE" "$DATA_DIR/audit"
  chmod 0700 "$STATE" "$DATA_DIR/audit"
}

set_kernel_defaults() {
  sysctl -q -p "$SYSCTLS"
}

load_firewall() {
  nft -f "$FIREWALL" 2>"$RUN/nft.log" || fail "nft -f $FIREWALL: $(head -1 "$RUN/nft.log")"
}
