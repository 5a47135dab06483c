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
