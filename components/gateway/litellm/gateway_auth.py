"""Decides who may call LiteLLM, which calls user_api_key_auth for every request that it authenticates.

Each caller (an agent, or Envoy for all of them) has its own tokens. They are in a mounted file, so a rotation needs
no restart.
"""

import hmac
import json
import os

from fastapi import Request
from litellm.proxy._types import ProxyException, UserAPIKeyAuth

TOKENS_FILE = os.environ["GATEWAY_TOKENS_FILE"]

_loaded = (None, {})


def _callers():
    """Returns the accepted tokens by caller. Reads the file again after it was replaced."""
    global _loaded
    stat = os.stat(TOKENS_FILE)
    version = (stat.st_ino, stat.st_mtime_ns)
    if _loaded[0] != version:
        with open(TOKENS_FILE, encoding="utf-8") as file:
            _loaded = (version, json.load(file))
    return _loaded[1]


def _presented(request):
    """Yields the tokens of a request. Claude Code uses either header, or both."""
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
    """Returns the caller's identity. Raises 401 when no token of the request belongs to a caller."""
    for token in _presented(request):
        caller = _caller_of(token)
        if caller is not None:
            return UserAPIKeyAuth(user_id=caller, key_alias=caller)
    raise ProxyException(
        message="invalid gateway token", type="auth_error", param=None, code=401
    )
