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
