"""Who may call LiteLLM, and what: LiteLLM asks this function about every request that it authenticates.

Each caller (an agent, or Envoy on behalf of all of them) has tokens of its own, read from a mounted file, so
that a rotation needs no restart. Every route but the two message routes is closed, whatever the token.
"""

import hmac
import json
import os

from fastapi import Request
from litellm.proxy._types import ProxyException, UserAPIKeyAuth

TOKENS_FILE = os.environ["GATEWAY_TOKENS_FILE"]
OPEN_ROUTES = frozenset(
    {"/anthropic/v1/messages", "/anthropic/v1/messages/count_tokens"}
)

_loaded = (None, {})


def _callers():
    """Accepted tokens by caller, read again when the mounted file was replaced."""
    global _loaded
    stat = os.stat(TOKENS_FILE)
    version = (stat.st_ino, stat.st_mtime_ns)
    if _loaded[0] != version:
        with open(TOKENS_FILE, encoding="utf-8") as file:
            _loaded = (version, json.load(file))
    return _loaded[1]


def _presented(request):
    """The tokens that a client may send: Claude Code uses either header, or both."""
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and bearer.strip():
        yield bearer.strip()
    if request.headers.get("x-api-key"):
        yield request.headers["x-api-key"]


def _caller_of(token):
    found = None
    for caller, accepted in _callers().items():
        for candidate in accepted:
            if hmac.compare_digest(candidate.encode(), token.encode()):
                found = caller
    return found


async def user_api_key_auth(request: Request, api_key: str) -> UserAPIKeyAuth:
    """Returns the caller's identity; raises 401 for a bad token and 403 for a closed route."""
    for token in _presented(request):
        caller = _caller_of(token)
        if caller is None:
            continue
        if request.method != "POST" or request.url.path not in OPEN_ROUTES:
            raise ProxyException(
                message=f"{request.method} {request.url.path} is closed on this gateway",
                type="permission_error",
                param=None,
                code=403,
            )
        return UserAPIKeyAuth(user_id=caller, key_alias=caller)
    raise ProxyException(
        message="invalid gateway token", type="auth_error", param=None, code=401
    )
