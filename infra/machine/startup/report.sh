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
