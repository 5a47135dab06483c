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
