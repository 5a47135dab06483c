"""LiteLLM with only the routes that the gateway needs. It also cancels a request whose client has left.

LiteLLM serves hundreds of routes, some of them without authentication, and its settings can close only a few. So
uvicorn runs this app instead, and a request for any other route never reaches LiteLLM.
"""

import asyncio
import json
import os

import litellm as sdk
from litellm.proxy import proxy_server
from litellm.proxy.proxy_server import app as litellm

# For example "POST /anthropic/v1/messages,GET …".
API_ROUTES = os.environ["GATEWAY_ROUTES"].split(",")

# For the kubelet's probes. They only tell that LiteLLM is up.
PROBE_ROUTES = ["GET /health/liveliness", "GET /health/readiness"]

# For `npm run verify`, and only from within the pod: the settings that this process runs with.
CONFIGURATION_ROUTE = ("GET", "/gateway/configuration")

OPEN_ROUTES = frozenset(tuple(route.split(" ")) for route in API_ROUTES + PROBE_ROUTES)


async def app(scope, receive, send):
    """Passes on the open routes, and the events of LiteLLM's start and stop. Answers 404 to everything else."""
    if scope["type"] == "lifespan":
        await litellm(scope, receive, send)
    elif scope["type"] != "http":
        await send({"type": "websocket.close", "code": 1008})
    elif (scope["method"], scope["path"]) in OPEN_ROUTES:
        await _serve_while_awaited(scope, receive, send)
    elif (scope["method"], scope["path"]) == CONFIGURATION_ROUTE and scope["client"][0] == "127.0.0.1":
        await _answer(send, 200, _configuration())
    else:
        await _not_found(send)


async def _serve_while_awaited(scope, receive, send):
    """Cancels a request when its client leaves before the answer has begun.

    LiteLLM itself notices this only when it writes. Until then the upstream would go on working, and a pod that has
    to stop would wait for it. If the client leaves later, LiteLLM notices it by itself.
    """
    left = asyncio.Event()
    request_read = asyncio.Event()
    answered = asyncio.Event()

    async def receive_request():
        if request_read.is_set():
            await left.wait()
            return {"type": "http.disconnect"}
        message = await receive()
        if message["type"] == "http.disconnect":
            left.set()
        if not message.get("more_body", False):
            request_read.set()
        return message

    async def send_answer(message):
        answered.set()
        await send(message)

    async def give_up_when_left():
        await request_read.wait()
        # After the request, only a disconnect can arrive: the client left, or the answer is complete.
        if not left.is_set():
            await receive()
        left.set()
        if not answered.is_set():
            serving.cancel()

    serving = asyncio.ensure_future(litellm(scope, receive_request, send_answer))
    watching = asyncio.ensure_future(give_up_when_left())
    try:
        await serving
    except asyncio.CancelledError:
        # Passes on a cancellation from outside, for example when uvicorn's shutdown timeout ends.
        if not left.is_set():
            raise
    finally:
        watching.cancel()


def _configuration():
    settings = proxy_server.general_settings
    return {
        "pass_through_request_timeout": settings.get("pass_through_request_timeout"),
        "num_retries": sdk.num_retries,
    }


async def _not_found(send):
    error = {"type": "not_found_error", "message": "Not found"}
    await _answer(send, 404, {"type": "error", "error": error})


async def _answer(send, status, content):
    body = json.dumps(content).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
