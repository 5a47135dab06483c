"""LiteLLM with every route closed but those that the gateway needs.

LiteLLM serves hundreds of routes, some of them without asking who calls; its settings close few. So uvicorn is
given this app instead, and what is not listed here never reaches LiteLLM.
"""

import json

from litellm.proxy.proxy_server import app as litellm

OPEN_ROUTES = frozenset(
    {
        ("POST", "/anthropic/v1/messages"),
        ("POST", "/anthropic/v1/messages/count_tokens"),
        # For the kubelet's probes; they tell no more than that LiteLLM is up.
        ("GET", "/health/liveliness"),
        ("GET", "/health/readiness"),
    }
)


async def app(scope, receive, send):
    """Passes on the open routes and LiteLLM's own start and stop; answers 404 to all else."""
    if scope["type"] == "lifespan" or (
        scope["type"] == "http" and (scope["method"], scope["path"]) in OPEN_ROUTES
    ):
        await litellm(scope, receive, send)
    elif scope["type"] == "http":
        await _not_found(send)
    else:
        await send({"type": "websocket.close", "code": 1008})


async def _not_found(send):
    error = {"type": "not_found_error", "message": "Not found"}
    body = json.dumps({"type": "error", "error": error}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": 404, "headers": headers})
    await send({"type": "http.response.body", "body": body})
