#!/bin/sh
# The first process of a lab's sandbox: gives it the mounts of its own, then becomes its init.
# Arguments: the lab's folder, the cgroup that the sandbox is found by, the host name.
set -eu
lab=$1 cgroup=$2 hostname=$3

# First of all: from here on whoever takes the lab down finds this process.
echo 0 >"$cgroup/cgroup.procs"

hostname "$hostname"
mount -t proc proc /proc
mount -t tmpfs -o mode=755 run /run
mkdir -p /run/lab/tmp /run/lock /run/cgroup

# A /sys of the own network namespace, with the machine's control groups.
mount --rbind /sys/fs/cgroup /run/cgroup
mount -t sysfs sysfs /sys
mount --move /run/cgroup /sys/fs/cgroup

# The loop device goes with its last mount, and that with the sandbox.
mount -o loop,noatime,noinit_itable "$lab/disk.img" /var/lib
mount --bind /var/lib/log /var/log

resolv_conf=$(readlink --canonicalize-missing /etc/resolv.conf)
if ! test -e "$resolv_conf"; then
  mkdir -p "$(dirname "$resolv_conf")"
  : >"$resolv_conf"
fi
mount --bind "$lab/resolv.conf" "$resolv_conf"

# The kubelet checks these of the whole machine; copies have what the host sets.
while read -r name _ value; do
  setting=$(echo "$name" | tr . /)
  copy=/run/lab/sysctl/$setting
  mkdir -p "$(dirname "$copy")"
  echo "$value" >"$copy"
  mount --bind "$copy" "/proc/sys/$setting"
done <"$lab/etc/sysctl.conf"

# Containers receive what is mounted later; the machine does not.
mount --make-rshared /
ip netns add internet
echo ready
exec tini -- sleep infinity </dev/null >/dev/null 2>&1
