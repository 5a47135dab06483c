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
