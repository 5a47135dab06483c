# k3s's datastore and certificates have a file system of their own, in a file on the data disk: whatever else fills that
# disk, they keep their blocks and inodes. The 5 % that only root may use are not enough: they hold no inodes, and what a
# container writes to its own layer passes overlayfs, which writes as root.
# https://docs.kernel.org/filesystems/overlayfs.html#permission-model
# As a file on the data disk it is part of the disk's snapshots.

SERVER=$DATA_DIR/k3s/server
DATASTORE=$DATA_DIR/datastore.img

mount_datastore() {
  local loop
  if mountpoint -q "$SERVER"; then return; fi
  mkdir -p "$SERVER"
  if [[ ! -e $DATASTORE ]]; then
    # It runs if somebody runs this script by hand.
    systemctl stop k3s.service
    if ! make_datastore 2>"$RUN/datastore.log"; then
      umount "$RUN/datastore" 2>/dev/null || true
      rm -f "$DATASTORE.new"
      # A host that does not start would be worse.
      DETAIL="the datastore stays where volumes and images can fill the disk: $(tail -1 "$RUN/datastore.log")"
      return
    fi
    DETAIL='got a file system of its own'
  fi
  # An older release of this script left files here, which the file system has. Without the mount nothing can be written
  # here, so no k3s begins a new cluster beside it.
  chattr -i "$SERVER"
  find "$SERVER" -mindepth 1 -delete
  chattr +i "$SERVER"
  mount -o loop,noatime "$DATASTORE" "$SERVER"
  # Otherwise Debian's weekly fstrim would give the blocks that are free in the file back to the disk.
  loop=$(findmnt -n -o SOURCE "$SERVER")
  echo 0 >"/sys/block/${loop#/dev/}/queue/discard_max_bytes"
}

# Every block of the file is written, so that no later write needs another one of the disk. The last step is the rename:
# after a power cut the next boot begins again.
make_datastore() {
  mkdir -p "$RUN/datastore" &&
    dd if=/dev/zero of="$DATASTORE.new" bs=1M count="$DATASTORE_MIB" conv=fsync status=none &&
    mkfs.ext4 -q -m 0 -E nodiscard -L datastore "$DATASTORE.new" &&
    mount -o loop "$DATASTORE.new" "$RUN/datastore" &&
    cp -a "$SERVER/." "$RUN/datastore" &&
    umount "$RUN/datastore" &&
    mv "$DATASTORE.new" "$DATASTORE" &&
    sync -f "$DATA_DIR"
}
