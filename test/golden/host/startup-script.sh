#!/bin/bash
# Sets this machine up for claude-gateway, at each boot. Rendered by infra/machine/startup-script.ts; make changes there.
set -Eeuo pipefail
shopt -s inherit_errexit

readonly METADATA='http://169.254.169.254/computeMetadata/v1'
readonly SECRET_MANAGER='https://secretmanager.googleapis.com/v1'
readonly RELEASES='https://github.com/k3s-io/k3s/releases/download'
readonly RELEASE_KEY='claude-gateway-k3s'
readonly TOKEN_SECRET_KEY='claude-gateway-token-secret'
readonly KUBECONFIG_SECRET_KEY='claude-gateway-kubeconfig-secret'
readonly MAINTENANCE_KEY='claude-gateway-maintenance'
readonly LOGGING_KEY='claude-gateway-logging'
readonly RUN='/run/claude-gateway'
readonly DATA_DIR='/var/lib/rancher'
readonly STATE='/var/lib/rancher/claude-gateway'
readonly SELF='/usr/local/sbin/claude-gateway-host'
readonly FIREWALL='/etc/claude-gateway/node-firewall.nft'
readonly SYSCTLS='/etc/sysctl.d/90-claude-gateway.conf'
readonly TOKEN_FILE='/etc/rancher/k3s/token'
readonly DATASTORE_MIB='2048'
readonly NODE_NAME='gateway-host'
readonly ATTEMPTS='60'
readonly RETRY_SECONDS='5'
readonly WATCH_SECONDS='300'
write_files() {
  put_file 0644 /etc/sysctl.d/90-claude-gateway.conf <<'END_OF_FILE'
vm.panic_on_oom = 0
vm.overcommit_memory = 1
kernel.panic = 10
kernel.panic_on_oops = 1
kernel.keys.root_maxkeys = 1000000
kernel.keys.root_maxbytes = 25000000
END_OF_FILE
  put_file 0644 /etc/claude-gateway/node-firewall.nft <<'END_OF_FILE'
table inet node-firewall {
}
delete table inet node-firewall

table inet node-firewall {
	set pods4 {
		type ipv4_addr
		flags interval
		auto-merge
		elements = { 10.42.0.0/16 }
	}

	set pods6 {
		type ipv6_addr
		flags interval
		auto-merge
	}

	set resolvers4 {
		type ipv4_addr
		flags interval
		auto-merge
		elements = { 169.254.169.254 }
	}

	set resolvers6 {
		type ipv6_addr
		flags interval
		auto-merge
	}

	set not-public4 {
		type ipv4_addr
		flags interval
		auto-merge
		elements = { 0.0.0.0/8, 10.0.0.0/8, 100.64.0.0/10, 127.0.0.0/8, 169.254.0.0/16, 172.16.0.0/12, 192.0.0.0/24, 192.0.2.0/24, 192.88.99.0/24, 192.168.0.0/16, 198.18.0.0/15, 198.51.100.0/24, 203.0.113.0/24, 224.0.0.0/3, 10.42.0.0/16, 10.43.0.0/16 }
	}

	set not-public6 {
		type ipv6_addr
		flags interval
		auto-merge
		elements = { ::/3, 4000::/2, 8000::/1, 2001::/23, 2001:db8::/32, 2002::/16, 3fff::/20 }
	}

	set connections4 {
		type ipv4_addr
		size 65535
		flags dynamic
	}

	set connections6 {
		type ipv6_addr
		size 65535
		flags dynamic
	}

	counter connections {
	}

	counter link-local {
	}

	counter forward {
	}

	counter node {
	}

	chain forward {
		type filter hook forward priority filter + 10; policy accept;
		# Replies, and the ICMP errors that path MTU discovery needs.
		ct state established,related accept
		ct state new tcp dport { 8080, 4318, 8443, 5353, 7080 } jump connections
		ip daddr @pods4 accept
		ip6 daddr @pods6 accept
		ip saddr @pods4 jump pods-to-outside
		ip6 saddr @pods6 jump pods-to-outside
		limit rate 10/minute log prefix "node-firewall forward: "
		counter name forward drop
	}

	# The kernel does not count closed connections, including those in TIME_WAIT.
	chain connections {
		ip saddr @pods4 ip daddr @pods4 add @connections4 { ip saddr ct count over 120 } goto too-many
		ip6 saddr @pods6 ip6 daddr @pods6 add @connections6 { ip6 saddr ct count over 120 } goto too-many
	}

	chain too-many {
		limit rate 10/minute log prefix "node-firewall connections: "
		# Reject, so that the client fails at once. A TCP reset would come from the pod's address, not the Service's.
		counter name connections reject with icmpx port-unreachable
	}

	chain pods-to-outside {
		ip daddr @resolvers4 meta l4proto { tcp, udp } th dport 53 accept
		ip6 daddr @resolvers6 meta l4proto { tcp, udp } th dport 53 accept
		# First of all the metadata server.
		ip daddr 169.254.0.0/16 counter name link-local drop
		tcp dport 443 ip daddr != @not-public4 accept
		tcp dport 443 ip6 daddr != @not-public6 accept
	}

	chain input {
		type filter hook input priority filter + 10; policy accept;
		ct state established,related accept
		# The node's own address on the pod bridge is in the pod range.
		iif lo accept
		ip saddr @pods4 jump pods-to-node
		ip6 saddr @pods6 jump pods-to-node
		# Every pod also has a link-local address, as do the routers and DHCP servers on the node's network.
		ip6 saddr fe80::/10 udp dport 546 accept
		ip6 saddr fe80::/10 jump pods-to-node
	}

	chain pods-to-node {
		tcp dport 6443 accept
		icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, nd-router-advert } accept
		icmpv6 type { mld-listener-query, mld-listener-report, mld2-listener-report } accept
		limit rate 10/minute log prefix "node-firewall node: "
		counter name node drop
	}
}
END_OF_FILE
  put_file 0600 /etc/rancher/k3s/config.yaml <<'END_OF_FILE'
{
  "node-name": "gateway-host",
  "disable": [
    "traefik",
    "servicelb",
    "metrics-server"
  ],
  "write-kubeconfig-mode": "0600",
  "token-file": "/etc/rancher/k3s/token",
  "tls-san": [
    "127.0.0.1",
    "localhost",
    "gateway-host"
  ],
  "resolv-conf": "/etc/rancher/k3s/resolv.conf",
  "secrets-encryption": true,
  "protect-kernel-defaults": true,
  "kube-apiserver-arg": [
    "enable-admission-plugins=NodeRestriction",
    "admission-control-config-file=/etc/rancher/k3s/admission.yaml",
    "audit-policy-file=/etc/rancher/k3s/audit-policy.yaml",
    "audit-log-path=/var/lib/rancher/audit/audit.log",
    "audit-log-maxage=30",
    "audit-log-maxbackup=10",
    "audit-log-maxsize=100",
    "service-account-extend-token-expiration=false"
  ],
  "kube-controller-manager-arg": [
    "terminated-pod-gc-threshold=10"
  ],
  "kubelet-arg": [
    "config=/etc/rancher/k3s/kubelet.yaml",
    "image-credential-provider-bin-dir=/usr/local/libexec/claude-gateway",
    "image-credential-provider-config=/etc/rancher/k3s/registries-credentials.yaml"
  ]
}
END_OF_FILE
  put_file 0600 /etc/rancher/k3s/kubelet.yaml <<'END_OF_FILE'
{
  "apiVersion": "kubelet.config.k8s.io/v1beta1",
  "kind": "KubeletConfiguration",
  "syncFrequency": "5s",
  "configMapAndSecretChangeDetectionStrategy": "Watch",
  "streamingConnectionIdleTimeout": "5m",
  "protectKernelDefaults": true,
  "localStorageCapacityIsolation": true,
  "volumeStatsAggPeriod": "15s",
  "kubeReserved": {
    "cpu": "200m",
    "memory": "1Gi",
    "ephemeral-storage": "1Gi",
    "pid": "2000"
  },
  "systemReserved": {
    "cpu": "100m",
    "memory": "256Mi",
    "ephemeral-storage": "1Gi",
    "pid": "1000"
  },
  "podPidsLimit": 2048,
  "containerLogMaxSize": "10Mi",
  "containerLogMaxFiles": 5,
  "evictionHard": {
    "memory.available": "500Mi",
    "nodefs.available": "10%",
    "nodefs.inodesFree": "5%",
    "imagefs.available": "10%",
    "imagefs.inodesFree": "5%"
  },
  "evictionPressureTransitionPeriod": "1m",
  "evictionMinimumReclaim": {
    "nodefs.available": "5%",
    "imagefs.available": "5%"
  },
  "imageGCHighThresholdPercent": 80,
  "imageGCLowThresholdPercent": 70,
  "imageMinimumGCAge": "2m",
  "shutdownGracePeriodByPodPriority": [
    {
      "priority": 0,
      "shutdownGracePeriodSeconds": 900
    },
    {
      "priority": 1000000,
      "shutdownGracePeriodSeconds": 60
    },
    {
      "priority": 2000000000,
      "shutdownGracePeriodSeconds": 20
    }
  ]
}
END_OF_FILE
  put_file 0644 /etc/systemd/logind.conf.d/unattended-upgrades-logind-maxdelay.conf <<'END_OF_FILE'
[Login]
InhibitDelayMaxSec=980
END_OF_FILE
  put_file 0755 /usr/local/libexec/claude-gateway/claude-gateway-registries <<'END_OF_FILE'
#!/bin/bash
readonly METADATA='http://169.254.169.254/computeMetadata/v1'
readonly SECRET_MANAGER='https://secretmanager.googleapis.com/v1'
readonly SECRET_KEY='claude-gateway-pull-secret'
# Answers the kubelet's question which credentials the registry of an image wants: for Artifact Registry the token of the
# machine's own account, for any other registry what the stack has put into Secret Manager. Nothing is kept on the disk.
# https://kubernetes.io/docs/tasks/administer-cluster/kubelet-credential-provider/
# If it fails, the kubelet logs what it says here and pulls without credentials.
set -euo pipefail
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
readonly API=credentialprovider.kubelet.k8s.io/v1

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

# get SERVER URL [CURL OPTION...]: prints the body of a successful answer.
get() {
  local server=$1 url=$2 answer code=0 body reason
  shift 2
  answer=$(curl -s --max-time 10 -w '\n%{http_code}' "$@" "$url") || code=$?
  case $code in
    0) ;;
    28) fail "$server did not answer within 10 s" ;;
    *) fail "$server could not be reached (curl: exit code $code)" ;;
  esac
  body=${answer%$'\n'*}
  if [[ ${answer##*$'\n'} != 200 ]]; then
    reason=$(jq -r '.error.message // empty' <<<"$body" 2>/dev/null) || reason=''
    fail "$server answered HTTP ${answer##*$'\n'}${reason:+: $reason}"
  fi
  printf '%s' "$body"
}

metadata() {
  get "the metadata server, asked for $1," "$METADATA/$1" -H 'Metadata-Flavor: Google'
}

# jq 1.6 calls no input a success, so the results are looked at.
image=$(jq -r --arg api "$API" \
  'select(.kind == "CredentialProviderRequest" and .apiVersion == $api) | .image | strings' 2>/dev/null) || image=''
[[ $image == ?*/* ]] || fail "the input is not a CredentialProviderRequest of $API with an image"
registry=${image%%/*}

account=$(metadata instance/service-accounts/default/token)
# Secrets go through pipes, because every process can read the arguments of every other.
[[ $(jq '(.access_token | type == "string" and length > 0) and (.expires_in | type == "number")' \
  <<<"$account" 2>/dev/null) == true ]] || fail 'the metadata server answered without an access token'

if [[ $registry == *-docker.pkg.dev ]]; then
  # The kubelet forgets the token five minutes before it ends, so that a long pull can end with it.
  jq -c --arg api "$API" --arg registry "$registry" '{
    kind: "CredentialProviderResponse",
    apiVersion: $api,
    cacheKeyType: "Registry",
    cacheDuration: "\([.expires_in - 300, 0] | max | floor)s",
    auth: {($registry): {username: "oauth2accesstoken", password: .access_token}}
  }' <<<"$account"
  exit
fi

secret=$(metadata "instance/attributes/$SECRET_KEY")
stored=$(jq -r '"Authorization: Bearer \(.access_token)"' <<<"$account" |
  get "Secret Manager, asked for $secret," "$SECRET_MANAGER/$secret/versions/latest:access" -H @-)
# Not cached, so that a changed password counts at the next pull.
answer=$(jq -er .payload.data <<<"$stored" 2>/dev/null | base64 -d 2>/dev/null |
  jq -c --arg api "$API" --arg registry "$registry" '.[$registry] | objects | {
    kind: "CredentialProviderResponse",
    apiVersion: $api,
    cacheKeyType: "Registry",
    cacheDuration: "0s",
    auth: {($registry): {username, password}}
  }' 2>/dev/null) || answer=''
[[ -n $answer ]] || fail "$secret has no credentials for $registry: add them to host.pullCredentials"
printf '%s\n' "$answer"
END_OF_FILE
  put_file 0600 /etc/rancher/k3s/registries-credentials.yaml <<'END_OF_FILE'
{
  "apiVersion": "kubelet.config.k8s.io/v1",
  "kind": "CredentialProviderConfig",
  "providers": [
    {
      "name": "claude-gateway-registries",
      "apiVersion": "credentialprovider.kubelet.k8s.io/v1",
      "matchImages": [
        "*-docker.pkg.dev"
      ],
      "defaultCacheDuration": "0s"
    }
  ]
}
END_OF_FILE
  put_file 0600 /etc/rancher/k3s/admission.yaml <<'END_OF_FILE'
{
  "apiVersion": "apiserver.config.k8s.io/v1",
  "kind": "AdmissionConfiguration",
  "plugins": [
    {
      "name": "PodSecurity",
      "configuration": {
        "apiVersion": "pod-security.admission.config.k8s.io/v1",
        "kind": "PodSecurityConfiguration",
        "defaults": {
          "enforce": "restricted",
          "audit": "restricted",
          "warn": "restricted",
          "enforce-version": "latest",
          "audit-version": "latest",
          "warn-version": "latest"
        },
        "exemptions": {
          "usernames": [],
          "runtimeClasses": [],
          "namespaces": [
            "kube-system"
          ]
        }
      }
    }
  ]
}
END_OF_FILE
  put_file 0600 /etc/rancher/k3s/audit-policy.yaml <<'END_OF_FILE'
{
  "apiVersion": "audit.k8s.io/v1",
  "kind": "Policy",
  "omitStages": [
    "RequestReceived"
  ],
  "rules": [
    {
      "level": "None",
      "nonResourceURLs": [
        "/healthz*",
        "/livez*",
        "/readyz*",
        "/version"
      ]
    },
    {
      "level": "None",
      "users": [
        "system:kube-controller-manager",
        "system:kube-scheduler",
        "system:apiserver"
      ],
      "verbs": [
        "get",
        "list",
        "watch"
      ]
    },
    {
      "level": "None",
      "resources": [
        {
          "group": "coordination.k8s.io",
          "resources": [
            "leases"
          ]
        }
      ]
    },
    {
      "level": "None",
      "resources": [
        {
          "group": "",
          "resources": [
            "events"
          ]
        }
      ]
    },
    {
      "level": "Metadata",
      "resources": [
        {
          "group": "",
          "resources": [
            "secrets",
            "configmaps",
            "serviceaccounts/token"
          ]
        },
        {
          "group": "authentication.k8s.io",
          "resources": [
            "tokenreviews"
          ]
        }
      ]
    },
    {
      "level": "Metadata",
      "verbs": [
        "get",
        "list",
        "watch"
      ]
    },
    {
      "level": "Request"
    }
  ]
}
END_OF_FILE
  put_file 0644 /etc/rancher/k3s/resolv.conf <<'END_OF_FILE'
nameserver 169.254.169.254
END_OF_FILE
  put_file 0644 /etc/systemd/journald.conf.d/90-claude-gateway.conf <<'END_OF_FILE'
[Journal]
SystemMaxUse=512M
END_OF_FILE
  put_file 0644 /etc/systemd/system/k3s.service <<'END_OF_FILE'
[Unit]
Description=k3s
After=network-online.target
Wants=network-online.target

[Service]
Type=notify
ExecStartPre=/usr/bin/mountpoint -q /var/lib/rancher
ExecStartPre=/usr/sbin/nft -f /etc/claude-gateway/node-firewall.nft
ExecStartPre=-/sbin/modprobe br_netfilter
ExecStartPre=-/sbin/modprobe overlay
ExecStart=/usr/local/bin/k3s server
KillMode=process
Delegate=yes
LimitNOFILE=1048576
LimitNPROC=infinity
LimitCORE=infinity
TasksMax=infinity
TimeoutStartSec=0
Restart=always
RestartSec=5s
END_OF_FILE
  put_file 0644 /etc/systemd/system/claude-gateway-watch.service <<'END_OF_FILE'
[Unit]
Description=claude-gateway: upgrades k3s when the metadata key changes
After=network-online.target

[Service]
ExecStart=/usr/local/sbin/claude-gateway-host watch
StandardOutput=journal+console
StandardError=journal+console
Restart=always
RestartSec=10s
END_OF_FILE
}

# Reports how far the set-up is: a line on the serial console when a step starts or ends, and the table of steps as one
# guest attribute. GCE accepts 10 attribute writes a minute and 3 a second, so the result of a quick step is written
# together with the next long step.

STEP=''
STEP_STARTED=0
# What failed before the current step, if the current step runs because of that failure.
CAUSE=''

log() {
  printf 'claude-gateway: %s\n' "$*"
}

# Ends the script, or the subshell that called it.
fail() {
  printf '%s' "$*" >"$RUN/failure"
  exit 1
}

# record STEP STATE MESSAGE: sets the step's line in the table (tab-separated: step, state, time, message).
record() {
  local message
  message=$(printf '%s' "$3" | tr '\t\n' '  ' | cut -c1-400)
  touch "$RUN/steps"
  sed -i "/^$1\t/d" "$RUN/steps"
  printf '%s\t%s\t%s\t%s\n' "$1" "$2" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$message" >>"$RUN/steps"
  log "step $1: $2${message:+: $message}"
}

publish_steps() {
  curl -sf --max-time 10 -o "$RUN/ignored" -X PUT -H 'Metadata-Flavor: Google' --data-binary "@$RUN/steps" \
    "$METADATA/instance/guest-attributes/claude-gateway/steps" ||
    log 'the guest attribute claude-gateway/steps could not be written'
  sleep 0.4
}

# step NAME quick|long FUNCTION: the function leaves the message to report in $DETAIL.
step() {
  STEP=$1
  STEP_STARTED=$SECONDS
  DETAIL=''
  rm -f "$RUN/failure"
  record "$1" running ''
  [[ $2 == quick ]] || publish_steps
  "$3"
  record "$1" ok "${DETAIL:+$DETAIL, }$((SECONDS - STEP_STARTED)) s"
  STEP=''
}

on_error() {
  [[ -s $RUN/failure ]] || printf 'line %s: %s' "$1" "$2" >"$RUN/failure"
}

on_exit() {
  local status=$?
  if [[ $status != 0 && -n $STEP ]]; then
    record "$STEP" failed "$CAUSE$(cat "$RUN/failure" 2>/dev/null || printf 'exit code %s' "$status")"
    publish_steps
  fi
}

# The metadata server and Secret Manager.

metadata() {
  curl -sf --max-time 10 -H 'Metadata-Flavor: Google' "$METADATA/$1"
}

# secret_manager URL [CURL OPTION...]: stores the response body in $RUN/answer and prints the HTTP status (000: no answer).
# The access token is passed through a pipe, because every process can read the arguments of every other.
secret_manager() {
  local url=$1 token
  shift
  token=$(metadata instance/service-accounts/default/token | jq -er .access_token) || {
    printf '000'
    return
  }
  curl -s --max-time 30 -o "$RUN/answer" -w '%{http_code}' \
    --config <(printf 'header = "Authorization: Bearer %s"\n' "$token") "$@" "$SECRET_MANAGER/$url" || true
}

# How often with_retries tries.
TRIES=$ATTEMPTS

# with_retries WHAT URL [CURL OPTION...]: also retries on 403, because a new IAM grant takes time to work.
with_retries() {
  local what=$1 status reason attempt
  shift
  for ((attempt = 1; attempt <= TRIES; attempt++)); do
    : >"$RUN/answer"
    status=$(secret_manager "$@")
    if [[ $status == 200 ]]; then return; fi
    reason=$(jq -r '.error.message // empty' "$RUN/answer" 2>/dev/null || true)
    if [[ $status == 400 || $status == 404 ]]; then break; fi
    log "$what: HTTP $status, attempt $attempt of $TRIES"
    sleep "$RETRY_SECONDS"
  done
  rm -f "$RUN/answer"
  fail "$what: HTTP $status${reason:+: $reason}"
}

# read_secret NAME: prints the latest version.
read_secret() {
  with_retries "reading secret $1" "$1/versions/latest:access" >&2
  jq -er .payload.data "$RUN/answer" | base64 -d
  rm -f "$RUN/answer"
}

# add_secret_version NAME FILE: prints the full name of the new version.
add_secret_version() {
  base64 -w0 "$2" | jq -R '{payload: {data: .}}' >"$RUN/request"
  with_retries "adding a version to secret $1" "$1:addVersion" \
    -H 'Content-Type: application/json' --data-binary "@$RUN/request" >&2
  jq -er .name "$RUN/answer"
  rm -f "$RUN/request" "$RUN/answer"
}

# destroy_other_versions NAME VERSION: a failure is only logged, because the next new version tries again.
destroy_other_versions() {
  local status other
  status=$(secret_manager "$1/versions")
  if [[ $status != 200 ]]; then
    log "listing the versions of secret $1: HTTP $status"
    return
  fi
  for other in $(jq -r --arg version "$2" \
    '.versions[] | select(.state != "DESTROYED" and .name != $version) | .name' "$RUN/answer"); do
    status=$(secret_manager "$other:destroy" -H 'Content-Type: application/json' --data-binary '{}')
    [[ $status == 200 ]] || log "destroying $other: HTTP $status"
  done
  rm -f "$RUN/answer"
}

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

# k3s: token, binary, start, kubeconfig. A release is written "VERSION SHA256", as in the metadata key.

K3S=/usr/local/bin/k3s
KUBECONFIG_FILE=/etc/rancher/k3s/k3s.yaml

fetch_token() {
  # k3s cannot change its token through configuration, so the token is fetched only once.
  if [[ -s $TOKEN_FILE ]]; then return; fi
  local secret
  secret=$(metadata "instance/attributes/$TOKEN_SECRET_KEY") || fail "metadata key $TOKEN_SECRET_KEY is missing"
  read_secret "$secret" >"$RUN/token"
  [[ -s $RUN/token ]] || fail "secret $secret is empty"
  mkdir -p "$(dirname "$TOKEN_FILE")"
  mv "$RUN/token" "$TOKEN_FILE"
  DETAIL='fetched'
}

is_release() {
  [[ -f $1 && $(sha256sum <"$1") == "${2#* }  -" ]]
}

# download_release RELEASE FILE: writes the file only if its checksum is the pinned one. Retries all but a missing release.
download_release() {
  local version=${1% *} pinned=${1#* } asset actual attempt status ended
  case $(uname -m) in
    x86_64) asset=k3s ;;
    aarch64) asset=k3s-arm64 ;;
    *) fail "k3s has no binary for $(uname -m)" ;;
  esac
  for ((attempt = 1; attempt <= ATTEMPTS; attempt++)); do
    ended=0
    status=$(curl -sSfL --proto '=https' --max-time 900 -o "$2.part" -w '%{http_code}' \
      "$RELEASES/${version/+/%2B}/$asset" 2>"$RUN/download.log") || ended=$?
    if [[ $ended == 0 ]]; then break; fi
    rm -f "$2.part"
    # 23: the file could not be written.
    if [[ $ended == 23 ]]; then fail "no room for k3s $version in $(dirname "$2"), on the boot disk"; fi
    if [[ $status == 404 ]]; then break; fi
    log "download of k3s $version: $(tail -1 "$RUN/download.log"), attempt $attempt of $ATTEMPTS"
    sleep "$RETRY_SECONDS"
  done
  [[ -f $2.part ]] || fail "download of k3s $version failed: $(tail -1 "$RUN/download.log")"
  actual=$(sha256sum <"$2.part")
  actual=${actual%% *}
  if [[ $actual != "$pinned" ]]; then
    rm -f "$2.part"
    fail "k3s $version has SHA-256 $actual, but $pinned is pinned"
  fi
  chmod 0755 "$2.part"
  mv "$2.part" "$2"
}

# The release last used with the data disk; on a new disk the requested one. A boot never upgrades.
install_k3s() {
  local release
  if [[ -s $STATE/release ]]; then
    release=$(cat "$STATE/release")
  else
    release=$(metadata "instance/attributes/$RELEASE_KEY") || fail "metadata key $RELEASE_KEY is missing"
  fi
  if ! is_release "$K3S" "$release"; then
    if is_release "$K3S.previous" "$release"; then
      cp -p "$K3S.previous" "$K3S.part"
      mv "$K3S.part" "$K3S"
    else
      download_release "$release" "$K3S"
    fi
  fi
  put_file 0600 "$STATE/release" <<<"$release"
  DETAIL=${release% *}
}

# k3s makes a password for the node, on the boot disk, and refuses a node with another one than the datastore has a hash of.
# So the data disk keeps it for the next machine. https://docs.k3s.io/architecture#how-agent-node-registration-works
start_k3s() {
  local password=/etc/rancher/node/password
  # At each start k3s truncates its kubeconfig and writes it again; if that fails, it goes on without.
  # https://github.com/k3s-io/k3s/blob/master/pkg/server/server.go (writeKubeConfig)
  spend_reserve
  systemctl daemon-reload
  if [[ -s $STATE/node-password ]]; then put_file 0600 "$password" <"$STATE/node-password"; fi
  systemctl start --no-block k3s.service
  wait_until_ready "$(cut -d' ' -f1 "$STATE/release")"
  if [[ ! -s $STATE/node-password && -s $password ]]; then put_file 0600 "$STATE/node-password" <"$password"; fi
}

# A data disk of an older release has no password, but its datastore may have the hash of another machine's. k3s writes the
# hash again when it accepts the node, at the latest at its next start.
forget_other_machine() {
  [[ -s $STATE/node-password ]] ||
    "$K3S" kubectl -n kube-system delete secret "$NODE_NAME.node-password.k3s" --ignore-not-found >/dev/null 2>&1
}

# Prints the node's version, whether it is Ready, and why; nothing if the API does not answer.
node_state() {
  local ready="{.status.conditions[?(@.type=='Ready')]"
  "$K3S" kubectl get node "$NODE_NAME" -o "jsonpath={.status.nodeInfo.kubeletVersion} $ready.status} $ready.message}" \
    --request-timeout=30s 2>/dev/null || true
}

# wait_until_ready VERSION: waits until the API server answers and the node is Ready at that version.
wait_until_ready() {
  local attempt seen=''
  for ((attempt = 1; attempt <= ATTEMPTS; attempt++)); do
    seen=$(node_state)
    if [[ -n $seen ]] && forget_other_machine && [[ $seen == "$1 True "* ]]; then return; fi
    sleep "$RETRY_SECONDS"
  done
  fail "k3s $1 was not ready after $((ATTEMPTS * RETRY_SECONDS)) s (${seen:-the API does not answer}): $(journalctl -n 1 -o cat _SYSTEMD_UNIT=k3s.service 2>/dev/null || true)"
}

publish_kubeconfig() {
  local secret created seen version
  read -r secret created < <(metadata "instance/attributes/$KUBECONFIG_SECRET_KEY" && echo) ||
    fail "metadata key $KUBECONFIG_SECRET_KEY is missing"
  # If the secret was deleted and created again, it needs the kubeconfig again.
  seen=$({ printf '%s %s\n' "$secret" "$created" && cat "$KUBECONFIG_FILE"; } | sha256sum)
  if [[ $seen == "$(cat "$STATE/published" 2>/dev/null)" ]]; then return; fi
  # On a full disk k3s leaves the file empty or cut off. The secret keeps one that opens the cluster.
  "$K3S" kubectl get node "$NODE_NAME" -o name >"$RUN/node.log" 2>&1 ||
    fail "$KUBECONFIG_FILE does not open the cluster: $(tail -1 "$RUN/node.log")"
  version=$(add_secret_version "$secret" "$KUBECONFIG_FILE")
  put_file 0600 "$STATE/published" <<<"$seen"
  # An older kubeconfig opens the cluster until its certificate ends.
  destroy_other_versions "$secret" "$version"
  DETAIL="new version of $secret"
}

# Publishes what has changed since the boot. A step of its own: the machine stays set up if this fails.
publish_again() {
  local failed=$'^publishing\tfailed\t'
  # The metadata server can be silent for a moment, and the watch comes again.
  metadata "instance/attributes/$KUBECONFIG_SECRET_KEY" >"$RUN/ignored" || return 0
  # The first failure took all tries, and the watch comes again.
  if grep -q "$failed" "$RUN/steps"; then TRIES=1; fi
  STEP=publishing
  DETAIL=''
  rm -f "$RUN/failure"
  publish_kubeconfig
  STEP=''
  if [[ -n $DETAIL ]] || grep -q "$failed" "$RUN/steps"; then
    record publishing ok "${DETAIL:-published}"
    publish_steps
  fi
}

# Upgrades. The unit claude-gateway-watch waits for the metadata key to change. The old k3s runs until the new binary is
# downloaded and checked. The datastore is copied while k3s is stopped. On any failure both are restored.

# upgrade_problem FROM TO: prints why not, by the same rules as infra/machine/k3s-release.ts, which refuses at preview.
upgrade_problem() {
  local pattern='^v([0-9]+)\.([0-9]+)\.([0-9]+)\+k3s([0-9]+)$' old new part
  [[ $1 =~ $pattern ]] || { printf '%s is not a k3s release' "$1" && return; }
  old=("${BASH_REMATCH[@]:1}")
  [[ $2 =~ $pattern ]] || { printf '%s is not a k3s release' "$2" && return; }
  new=("${BASH_REMATCH[@]:1}")
  for part in 0 1 2 3; do
    if ((new[part] > old[part])); then break; fi
    if ((new[part] < old[part])); then
      printf '%s -> %s is a downgrade: the datastore cannot go back; restore a snapshot instead' "$1" "$2"
      return
    fi
  done
  if ((new[0] != old[0])); then
    printf '%s -> %s changes the major version: make a new host' "$1" "$2"
  elif ((new[1] > old[1] + 1)); then
    printf '%s -> %s skips a minor: upgrade to v%d.%d first' "$1" "$2" "${old[0]}" "$((old[1] + 1))"
  fi
}

# try_upgrade RELEASE: runs as a process of its own, so that the first failure ends it.
try_upgrade() {
  # Delete the copy of the last upgrade before setting the mark: while the mark exists, roll_back restores the copy.
  rm -rf "$STATE/datastore" "$STATE/datastore.part"
  put_file 0600 "$STATE/upgrading" <<<"$1"
  systemctl stop k3s.service
  cp -a "$SERVER" "$STATE/datastore.part" 2>"$RUN/copy.log" ||
    fail "copying the datastore failed: $(tail -1 "$RUN/copy.log")"
  sync -f "$STATE"
  mv "$STATE/datastore.part" "$STATE/datastore"
  mv "$K3S" "$K3S.previous"
  mv "$K3S.next" "$K3S"
  systemctl start --no-block k3s.service
  wait_until_ready "${1% *}"
}

# Also runs at boot, after the machine went down in the middle of an upgrade.
roll_back() {
  if [[ ! -e $STATE/upgrading ]]; then return; fi
  if cmp -s "$STATE/upgrading" "$STATE/release"; then
    rm -f "$STATE/upgrading"
    return
  fi
  systemctl stop k3s.service
  rm -rf "$STATE/datastore.part"
  # The copy stays until the next upgrade: after a second crash here, the next boot restores it again.
  if [[ -d $STATE/datastore ]]; then
    find "$SERVER" -mindepth 1 -delete
    cp -a "$STATE/datastore/." "$SERVER"
    sync -f "$SERVER"
  fi
  install_k3s
  rm -f "$STATE/upgrading"
  DETAIL='rolled back an upgrade that did not finish'
}

# upgrade RELEASE
upgrade() {
  local from to=${1% *} problem
  from=$(cut -d' ' -f1 "$STATE/release")
  problem=$(upgrade_problem "$from" "$to")
  if [[ -n $problem ]]; then
    record upgrade refused "$problem"
    publish_steps
    return
  fi
  STEP=upgrade
  rm -f "$RUN/failure"
  record upgrade running "$from -> $to"
  publish_steps
  is_release "$K3S.next" "$1" || download_release "$1" "$K3S.next"
  if "$SELF" try-upgrade "$1"; then
    put_file 0600 "$STATE/release" <<<"$1"
    rm -f "$STATE/upgrading"
    record k3s ok "$to"
    record upgrade ok "$from -> $to"
    STEP=''
    publish_steps
  else
    CAUSE="$from -> $to: $(cat "$RUN/failure"); "
    roll_back
    start_k3s
    fail "rolled back to $from"
  fi
}

watch() {
  local etag=0 wanted handled='' seconds
  # Waits for the boot that started this watch.
  "$SELF" resume || log 'an unfinished upgrade could not be rolled back'
  while true; do
    seconds=$WATCH_SECONDS
    is_set_up || seconds=$((12 * RETRY_SECONDS))
    if ! wanted=$(curl -sf --max-time $((seconds + 30)) -D "$RUN/headers" -H 'Metadata-Flavor: Google' \
      "$METADATA/instance/attributes/$RELEASE_KEY?wait_for_change=true&timeout_sec=$seconds&last_etag=$etag"); then
      sleep "$RETRY_SECONDS"
      continue
    fi
    # Without these the boot has not come as far as k3s, and will install the wanted release, or the one on the data disk.
    if [[ -x $K3S && -s $STATE/release ]]; then
      # A refused or failed upgrade is tried again only when the key changes or the machine boots.
      if [[ $wanted != "$(cat "$STATE/release")" ]]; then
        [[ $wanted == "$handled" ]] || "$SELF" upgrade "$wanted" || true
      elif grep -q '^upgrade\s\(failed\|refused\)' "$RUN/steps"; then
        record upgrade ok "stays on ${wanted% *}"
        publish_steps
      fi
      handled=$wanted
    fi
    if is_set_up; then
      "$SELF" maintain || log 'the maintenance failed; it will be tried again in the next window'
      # k3s renews its certificates when it starts, whoever started it.
      "$SELF" publish-kubeconfig || log 'the kubeconfig could not be published; it will be tried again'
      "$SELF" keep-reserve || log 'the reserve of the boot disk could not be kept; it will be tried again'
      "$SELF" send-logs || log 'the Ops Agent could not be set up; it will be tried again'
    elif [[ $etag != 0 ]]; then
      # The first answer comes at once, just after the boot failed.
      "$SELF" boot || log 'the set-up failed again; it will be tried again'
    fi
    # Not at once: what failed at boot gets a second try before somebody is told.
    [[ $etag == 0 ]] || "$SELF" tell || log 'what to tell could not be found out; it will be tried again'
    etag=$(sed -n 's/^etag: *\([^\r]*\)\r*$/\1/Ip' "$RUN/headers")
  done
}

resume() {
  # A boot that is not finished does this itself.
  if ! is_set_up || [[ ! -e $STATE/upgrading ]]; then return; fi
  roll_back
  start_k3s
}

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

# Logs to Cloud Logging: installs Google's Ops Agent, if the metadata key asks for it. No part of the set-up: the cluster
# runs whether this works or not, and the watch tries again every five minutes.

OPS_AGENT=google-cloud-ops-agent
OPS_AGENT_CONFIG=/etc/google-cloud-ops-agent/config.yaml
# What the key had when the agent was set up last. On the boot disk, as the agent is.
OPS_AGENT_DONE=/var/lib/claude-gateway/ops-agent

# The keyring with which the image trusts Google's packages. Its own package keeps it up to date.
google_keyring() {
  { grep -rlsF packages.cloud.google.com /etc/apt/sources.list.d || true; } |
    { grep -v "/$OPS_AGENT\\." || true; } |
    xargs -r sed -nE 's/.*[Ss]igned-[Bb]y[=:] *([^] ]+).*/\1/p' | sed -n 1p
}

# install_ops_agent VERSION
install_ops_agent() {
  local keyring codename release list=/etc/apt/sources.list.d/$OPS_AGENT.list
  local apt=(apt-get -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 -o Dpkg::Options::=--force-confold -qq)
  export DEBIAN_FRONTEND=noninteractive
  keyring=$(google_keyring)
  [[ -s $keyring ]] || fail 'the image does not trust packages.cloud.google.com: use an image of debian-cloud'
  codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
  release=$(sed -nE 's/^VERSION_ID="?([^"]*)"?/\1/p' /etc/os-release)
  put_file 0644 "$list" <<<"deb [signed-by=$keyring] https://packages.cloud.google.com/apt $OPS_AGENT-$codename-all main"
  {
    "${apt[@]}" -o Dir::Etc::sourcelist="$list" -o Dir::Etc::sourceparts=- update &&
      "${apt[@]}" install --no-install-recommends --allow-downgrades -y "$OPS_AGENT=$1~debian$release"
  } >"$RUN/ops-agent.log" 2>&1 || fail "apt-get install $OPS_AGENT=$1: $(grep '^E:' "$RUN/ops-agent.log" | head -1)"
}

remove_ops_agent() {
  DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -qq purge -y "$OPS_AGENT" >"$RUN/ops-agent.log" 2>&1 ||
    fail "apt-get purge $OPS_AGENT: $(grep '^E:' "$RUN/ops-agent.log" | head -1)"
  rm -f "/etc/apt/sources.list.d/$OPS_AGENT.list" "$OPS_AGENT_DONE"
}

send_logs() {
  local status version
  status=$(curl -s --max-time 10 -o "$RUN/logging" -w '%{http_code}' -H 'Metadata-Flavor: Google' \
    "$METADATA/instance/attributes/$LOGGING_KEY") || return 0
  if [[ $status == 404 && ! -e $OPS_AGENT_DONE ]]; then return; fi
  if [[ $status == 200 ]] && cmp -s "$RUN/logging" "$OPS_AGENT_DONE"; then return; fi
  [[ $status == 200 || $status == 404 ]] || return 0
  STEP=logging
  rm -f "$RUN/failure"
  record logging running ''
  publish_steps
  if [[ $status == 404 ]]; then
    remove_ops_agent
    record logging ok 'no logs are sent'
  else
    version=$(head -1 "$RUN/logging")
    install_ops_agent "$version"
    tail -n +2 "$RUN/logging" | put_file 0644 "$OPS_AGENT_CONFIG"
    # Starts with a check of the configuration, whose failure is this command's.
    systemctl restart "$OPS_AGENT.service" 2>"$RUN/ops-agent.log" ||
      fail "the Ops Agent did not start: $(head -1 "$RUN/ops-agent.log")"
    put_file 0600 "$OPS_AGENT_DONE" <"$RUN/logging"
    record logging ok "Ops Agent $version"
  fi
  STEP=''
  publish_steps
}

# What somebody should be told. Each finding is a line on the serial console, which Cloud Logging gets if host.alerts is
# set; the alerts in infra/alerts/host-alerts.ts look for these lines. A finding is said again every hour while it lasts.

# Above the 80 % at which the kubelet removes images, below the 90 % at which it evicts pods.
DISK_PERCENT=85
ENDING_SECONDS=$((30 * 86400))
SAY_AGAIN_SECONDS=3600

# Prints each disk that is nearly full. The text stays the same while the disk fills, so that it is said once an hour.
full_disks() {
  local place kind used
  for place in / "$DATA_DIR" "$SERVER"; do
    # On a host whose datastore has no file system of its own, this is the data disk again.
    if [[ $place == "$SERVER" ]] && ! mountpoint -q "$SERVER"; then continue; fi
    for kind in pcent ipcent; do
      # A file system without a fixed number of inodes has no percentage of them.
      used=$(df --output="$kind" "$place" 2>/dev/null | tail -1 | tr -dc 0-9 || true)
      if ((${used:-0} >= DISK_PERCENT)); then
        printf '%s has %s %% or more of its %s in use\n' "$place" "$DISK_PERCENT" "$([[ $kind == ipcent ]] && echo inodes || echo space)"
      fi
    done
  done
}

# failed_steps WHICH: prints the steps that failed, the upgrade or all others.
failed_steps() {
  local step state message
  while IFS=$'\t' read -r step state _ message; do
    [[ $state == failed || $state == refused ]] || continue
    if [[ $1 == upgrade && $step == upgrade ]] || [[ $1 == setup && $step != upgrade ]]; then
      printf '%s: %s\n' "$step" "$message"
    fi
  done < <(cat "$RUN/steps" 2>/dev/null)
}

# Prints each certificate of the cluster, authorities too, that is about to end.
certificates_to_renew() {
  local file
  ending_certificates "$ENDING_SECONDS" | while read -r file; do
    printf '%s ends %s\n' "$file" "$(openssl x509 -noout -enddate -in "$DATA_DIR/k3s/$file" | cut -d= -f2)"
  done
}

# Prints what is wrong with k3s, if something was wrong in the round before too: whoever restarts it, it answers again
# within seconds. An upgrade and a maintenance hold the lock until it does.
cluster_down() {
  local status='' message='' mark=$RUN/cluster-down text
  if is_set_up; then read -r _ status message <<<"$(node_state)"; fi
  # Before a shutdown the kubelet is not Ready for as long as it lets pods end.
  if ! is_set_up || [[ $status == True || $message == *'node is shutting down'* ]]; then
    rm -f "$mark"
    return
  fi
  text='the node is not Ready'
  [[ -n $status ]] || text='the API of k3s does not answer'
  if [[ -e $mark ]]; then printf '%s\n' "$text"; fi
  touch "$mark"
}

# say_findings KIND: says each line of the input, unless that was said within the hour.
say_findings() {
  local text said
  while read -r text; do
    said=$RUN/said/$(printf '%s %s' "$1" "$text" | sha256sum | cut -c1-16)
    if [[ -e $said ]] && (($(now) - $(stat -c %Y "$said") < SAY_AGAIN_SECONDS)); then continue; fi
    mkdir -p "$RUN/said"
    touch "$said"
    log "alert $1: $text"
  done
}

tell() {
  full_disks | say_findings disk
  certificates_to_renew | say_findings certificate
  failed_steps upgrade | say_findings upgrade
  failed_steps setup | say_findings setup
  cluster_down | say_findings cluster
}

# with_lock FUNCTION [ARGUMENT...]: a boot and an upgrade never run at the same time.
with_lock() {
  exec 9>"$RUN/lock"
  flock 9
  "$@"
  exec 9>&-
}

# The watch starts early: it runs a boot that failed again, until nothing is left to do.
boot() {
  step files quick put_script_and_files
  step watch quick start_watch
  step packages long install_packages
  step disk quick mount_data_disk
  step datastore quick mount_datastore
  step kernel quick set_kernel_defaults
  step firewall quick load_firewall
  step token long fetch_token
  step recovery quick roll_back
  step k3s long install_k3s
  step start long start_k3s
  step kubeconfig quick publish_kubeconfig
  report_configuration
  publish_steps
}

# Whether the last step of a boot has succeeded since the machine went up.
is_set_up() {
  grep -q $'^kubeconfig\tok\t' "$RUN/steps" 2>/dev/null
}

# Does nothing when the watch runs this boot.
start_watch() {
  systemctl daemon-reload
  systemctl start --no-block claude-gateway-watch.service
}

main() {
  umask 077
  mkdir -p "$RUN"
  trap 'on_error "$LINENO" "$BASH_COMMAND"' ERR
  trap on_exit EXIT
  case ${1:-boot} in
    boot) with_lock boot ;;
    watch) watch ;;
    resume) with_lock resume ;;
    upgrade) with_lock upgrade "$2" ;;
    try-upgrade) try_upgrade "$2" ;;
    maintain) with_lock maintain ;;
    publish-kubeconfig) with_lock publish_again ;;
    keep-reserve) with_lock keep_reserve ;;
    send-logs) with_lock send_logs ;;
    tell) with_lock tell ;;
    *) fail "unknown command $1" ;;
  esac
}

main "$@"
