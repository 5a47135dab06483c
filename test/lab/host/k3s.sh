#!/bin/bash
# Replaces k3s, which no package registry has. It does what the startup script relies on: reads config.yaml; refuses to
# start without a token, a config file, a credential provider or a kernel default; ties the datastore to its token; migrates the datastore of an
# older release and refuses that of a newer one; writes its kubeconfig at start, with a new certificate if the old one is
# gone or ends within 120 days, or with one that a test provides; makes a password for the node and refuses it if the
# datastore knows another one, which the real one does only if its API is up by then; reports Ready with its version
# through `kubectl get node`.
set -euo pipefail
VERSION=@VERSION@
# runs | crashes (after it has migrated the datastore) | hangs (after the migration, and never becomes Ready)
# | slow (becomes Ready 15 s after the migration, if nothing stops it)
BEHAVIOUR=@BEHAVIOUR@
server=/var/lib/rancher/k3s/server
config=/etc/rancher/k3s/config.yaml
ready=/run/k3s-ready
# The secret NODE.node-password.k3s, with a hash.
known_password=$server/db/node-password

setting() { jq -er "$1" "$config"; }
kubelet_flag() { setting '."kubelet-arg"[]' | sed -n "s/^$1=//p"; }

# The seconds that systemd-logind lets a shutdown be delayed: it reads its files in the order of their names, whatever
# their folder, and of those with one name the first of /etc, /run and /usr/lib. https://www.freedesktop.org/software/systemd/man/logind.conf.html
logind_delay() {
  local name dir seconds=5
  for name in $(cd / && find etc run usr/lib -path '*/systemd/logind.conf.d/*.conf' -printf '%f\n' | LC_ALL=C sort -u); do
    for dir in /etc /run /usr/lib; do
      [[ -e $dir/systemd/logind.conf.d/$name ]] || continue
      seconds=$(sed -n 's/^InhibitDelayMaxSec=//p' "$dir/systemd/logind.conf.d/$name" | grep . || echo "$seconds")
      break
    done
  done
  printf '%s' "$seconds"
}

# As the kubelet's manager of node shutdowns: asks logind for the delay with a file of its own, and goes on without it.
# https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/kubelet/nodeshutdown/nodeshutdown_manager_linux.go
delay_shutdowns() {
  local requested
  requested=$(jq '[.shutdownGracePeriodByPodPriority[].shutdownGracePeriodSeconds] | add' "$(kubelet_flag config)")
  if (($(logind_delay) < requested)); then
    mkdir -p /etc/systemd/logind.conf.d
    printf '[Login]\nInhibitDelayMaxSec=%s\n' "$requested" >/etc/systemd/logind.conf.d/99-kubelet.conf
  fi
  if (($(logind_delay) < requested)); then
    echo "Failed to start node shutdown manager: InhibitDelayMaxSec is $(logind_delay)"
  else
    echo "kubelet delays a shutdown, up to $(logind_delay) s" >/run/inhibitors
  fi
}

# https://github.com/k3s-io/k3s/blob/master/pkg/agent/config/config.go and pkg/nodepassword/validate.go
join_node() {
  local password=/etc/rancher/node/password
  mkdir -p "${password%/*}"
  [[ -e $password ]] || (umask 077 && openssl rand -hex 16 >"$password")
  until [[ ! -e $known_password || $(sha256sum <"$password") == "$(cat "$known_password")" ]]; do
    echo "Waiting to retrieve agent configuration; server is not ready: Node password rejected, duplicate hostname or contents of '$password' may not match server node-passwd entry, try enabling a unique node name with the --with-node-id flag"
    echo "$VERSION Unknown" >"$ready"
    sleep 0.5
  done
  rm -f "$ready"
  sha256sum <"$password" >"$known_password"
}

kubeconfig() {
  # If a test has a real cluster for this host, its kubeconfig is here.
  if [[ -e /etc/lab/kubeconfig ]]; then
    cat /etc/lab/kubeconfig
    return
  fi
  cat <<KUBECONFIG
apiVersion: v1
kind: Config
clusters:
- cluster:
    server: https://127.0.0.1:6443
  name: default
users:
- name: default
  user:
    client-certificate-data: $(base64 -w0 "$server/tls/client-admin.crt")
KUBECONFIG
}

serve() {
  local name value file token wait
  while read -r name value; do
    [[ $(cat "/proc/sys/${name//.//}") == "$value" ]] || { echo "kernel default $name is not $value" && exit 1; }
  done <<<'vm.overcommit_memory 1
vm.panic_on_oom 0
kernel.panic 10
kernel.panic_on_oops 1
kernel.keys.root_maxkeys 1000000
kernel.keys.root_maxbytes 25000000'
  [[ $(setting '."protect-kernel-defaults"') == true ]]
  for file in $(setting '."kube-apiserver-arg"[]' | sed -n 's/^[a-z-]*-file=//p') "$(setting '."resolv-conf"')" \
    "$(kubelet_flag config)" "$(kubelet_flag image-credential-provider-config)"; do
    [[ -s $file ]] || { echo "$file is missing" && exit 1; }
  done
  # As the kubelet does: each provider of the configuration has to be a program in the folder.
  for name in $(jq -er '.providers[].name' "$(kubelet_flag image-credential-provider-config)"); do
    [[ -x $(kubelet_flag image-credential-provider-bin-dir)/$name ]] ||
      { echo "plugin binary executable $name did not exist" && exit 1; }
  done
  token=$(sha256sum <"$(setting '."token-file"')")
  mkdir -p "$server/db" "$server/tls" /etc/rancher/k3s
  if [[ -f $server/db/state.db ]]; then
    [[ $(sed -n 1p "$server/db/state.db") == "$token" ]] ||
      { echo 'bootstrap data already found and encrypted with different token' && exit 1; }
    name=$(sed -n 2p "$server/db/state.db")
    [[ $(printf '%s\n' "$name" "$VERSION" | sort -V | tail -1) == "$VERSION" ]] ||
      { echo "the datastore is of $name" && exit 1; }
  fi
  printf '%s\n%s\n' "$token" "$VERSION" >"$server/db/state.db"
  [[ $BEHAVIOUR != crashes ]] || { echo 'panic: stand-in crashes' && exit 2; }
  openssl x509 -noout -checkend $((120 * 86400)) -in "$server/tls/client-admin.crt" >/dev/null 2>&1 ||
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=system:admin -days 365 \
      -keyout /dev/null -out "$server/tls/client-admin.crt" 2>/dev/null
  # As k3s does: it truncates the file, and a failure is only a line in its log.
  kubeconfig >/etc/rancher/k3s/k3s.yaml || echo 'Failed to generate kubeconfig'
  trap 'rm -f "$ready" /run/inhibitors; exit 0' TERM
  join_node
  delay_shutdowns
  for ((wait = 0; wait < 150; wait++)); do
    [[ $BEHAVIOUR == slow ]] || break
    sleep 0.1
  done
  [[ $BEHAVIOUR == hangs ]] || echo "$VERSION True" >"$ready"
  while true; do sleep 0.1; done
}

case ${1:-} in
  server) rm -f "$ready" && serve ;;
  kubectl)
    # It asks the cluster with this file.
    grep -q '^ *client-certificate-data: .' /etc/rancher/k3s/k3s.yaml ||
      { echo 'The connection to the server localhost:8080 was refused - did you specify the right host or port?' >&2 && exit 1; }
    node=$(setting '."node-name"')
    case "${*:2}" in
      "get node $node -o "*)
        read -r version status message <"$ready"
        [[ $status != True ]] || message='kubelet is posting ready status'
        echo "$version $status $message"
        ;;
      "-n kube-system delete secret $node.node-password.k3s --ignore-not-found") [[ -e $ready ]] && rm -f "$known_password" ;;
      *) exit 1 ;;
    esac
    ;;
  *) echo "the simulated k3s does not know the command: $*" >&2 && exit 1 ;;
esac
