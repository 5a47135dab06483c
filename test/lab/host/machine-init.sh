#!/bin/bash
# The first process of a running host: has its own mounts, processes and networks. When its stdin ends, it ends together
# with everything in it, as after a power failure.
# Arguments: the machine's folder, the root file system it was created from, its data disk's loop device.
set -euo pipefail
dir=$1 image=$2 data=$3
root=$dir/root

# /proc is still the outer one, so this is the pid outside.
read -r pid _ </proc/self/stat

mount --make-rprivate /
# The boot disk has what differs from the image, on a file system with a size of its own.
mount -o loop "$dir/boot.img" "$dir/boot"
mkdir -p "$dir/boot/upper" "$dir/boot/work"
if [[ -d $dir/boot-files ]]; then
  cp -a "$dir/boot-files/." "$dir/boot/upper"
  rm -r "$dir/boot-files"
fi
# An overlay that finds no room for its own folder is read-only, so it has some blocks that are taken again afterwards.
rm -f "$dir/boot/taken"
sync -f "$dir/boot"
mount -t overlay overlay -o "lowerdir=$image,upperdir=$dir/boot/upper,workdir=$dir/boot/work" "$root"
head -c 64K /dev/zero >"$dir/boot/taken" 2>/dev/null || true
mount -t proc proc /proc
mount --rbind /proc "$root/proc"
mount -t tmpfs -o mode=755 run "$root/run"
mount -t tmpfs -o mode=755 dev "$root/dev"
mount -t tmpfs tmp "$root/tmp"
mount -t sysfs sysfs "$root/sys"
for device in full loop-control null random tty urandom zero; do
  cp -a "/dev/$device" "$root/dev/$device"
done
# udev would make these when one is used.
for number in {0..63}; do mknod -m 0660 "$root/dev/loop$number" b 7 "$number"; done
ln -s /proc/self/fd "$root/dev/fd"
mkdir -p "$root/dev/disk/by-id"
ln -s "../../${data#/dev/}" "$root/dev/disk/by-id/google-data"

# These belong to the kernel of the whole machine, so use plain files, which accept the writes.
for setting in vm/panic_on_oom vm/overcommit_memory kernel/panic kernel/panic_on_oops \
  kernel/keys/root_maxkeys kernel/keys/root_maxbytes; do
  mkdir -p "$dir/sysctl/$(dirname "$setting")"
  echo unset >"$dir/sysctl/$setting"
  mount --bind "$dir/sysctl/$setting" "/proc/sys/$setting"
  mount --bind "$dir/sysctl/$setting" "$root/proc/sys/$setting"
done

# machine 10.41.0.2 - 10.41.0.1 internet; pod 10.42.0.5 - 10.42.0.1 machine.
mkdir -p /run/netns
mount -t tmpfs netns /run/netns
ip netns add internet
ip netns add pod
ip link set lo up
ip link add eth0 type veth peer name machine netns internet
ip addr add 10.41.0.2/24 dev eth0
ip link set eth0 up
ip link add cni0 type veth peer name eth0 netns pod
ip addr add 10.42.0.1/24 dev cni0
ip link set cni0 up
nsenter --net=/run/netns/internet ip -batch - <<'LINKS'
link set lo up
addr add 10.41.0.1/24 dev machine
link set machine up
route add 10.42.0.0/16 via 10.41.0.2
addr add 169.254.169.254/32 dev lo
addr add 198.51.100.10/32 dev lo
addr add 104.16.0.35/32 dev lo
addr add 8.8.8.8/32 dev lo
LINKS
nsenter --net=/run/netns/pod ip -batch - <<'LINKS'
link set lo up
addr add 10.42.0.5/24 dev eth0
link set eth0 up
route add default via 10.42.0.1
LINKS
ip route add default via 10.41.0.1
sysctl -qw net.ipv4.ip_forward=1

echo "$pid"
exec cat >/dev/null
