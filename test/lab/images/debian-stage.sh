#!/bin/sh
# Hook for mmdebstrap: installs packages into ROOT and writes the changed files to OUT/NAME.tar; without packages, all of
# ROOT. Leaves out files that a container creates itself, caches and logs.
# usage: debian-stage.sh ROOT OUT NAME [PACKAGE...]
set -eu
root=$1 out=$2 name=$3
shift 3
if [ $# -gt 0 ]; then
  since=$(date +@%s.%N)
  # File times come from a coarser clock that can be a tick behind.
  sleep 0.05
  APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get --yes -qq install \
    -oDPkg::Chroot-Directory="$root" "$@" >/dev/null
  set -- -newerct "$since"
fi
cd "$root"
find . -xdev -mindepth 1 \
  \( -path './dev/*' -o -path './proc/*' -o -path './sys/*' -o -path './run/*' -o -path './tmp/*' \
  -o -path './var/cache/*' -o -path './var/lib/apt/lists/*' -o -path './var/log/*' \) -prune \
  -o "$@" -print0 | LC_ALL=C sort -z |
  tar --create --format=posix --pax-option=delete=atime,delete=ctime --no-recursion --null \
    --files-from=- --numeric-owner --file="$out/$name.tar"
