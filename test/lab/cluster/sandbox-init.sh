#!/bin/sh
# The first process of a lab's sandbox: creates the sandbox's own mounts, then becomes its init.
# Arguments: the lab's folder, the cgroup by which the sandbox is found, the host name.
set -eu
lab=$1 cgroup=$2 hostname=$3

# Do this first: from here on a command that takes the lab down finds this process.
echo 0 >"$cgroup/cgroup.procs"

hostname "$hostname"
mount -t proc proc /proc
mount -t tmpfs -o mode=755 run /run
mkdir -p /run/lab/tmp /run/lock /run/cgroup

# A /sys for the sandbox's network namespace, with the machine's cgroups.
mount --rbind /sys/fs/cgroup /run/cgroup
mount -t sysfs sysfs /sys
mount --move /run/cgroup /sys/fs/cgroup

# The loop device is released with its last mount, so at the latest when the sandbox ends.
mount -o loop,noatime,noinit_itable "$lab/disk.img" /var/lib
mount --bind /var/lib/log /var/log

resolv_conf=$(readlink --canonicalize-missing /etc/resolv.conf)
if ! test -e "$resolv_conf"; then
  mkdir -p "$(dirname "$resolv_conf")"
  : >"$resolv_conf"
fi
mount --bind "$lab/resolv.conf" "$resolv_conf"

# The kubelet checks these settings, which belong to the whole machine. Give it copies with the host's values.
while read -r name _ value; do
  setting=$(echo "$name" | tr . /)
  copy=/run/lab/sysctl/$setting
  mkdir -p "$(dirname "$copy")"
  echo "$value" >"$copy"
  mount --bind "$copy" "/proc/sys/$setting"
done <"$lab/etc/sysctl.conf"

# Later mounts reach the containers, but not the machine.
mount --make-rshared /
ip netns add internet
echo ready
exec tini -- sleep infinity </dev/null >/dev/null 2>&1
