"""LiteLLM with every route closed but those that the gateway needs, and with an end to requests that nobody waits for.

LiteLLM serves hundreds of routes, some of them without asking who calls; its settings close few. So uvicorn is
given this app instead, and what is not listed here never reaches LiteLLM.
"""

import asyncio
import json
import os

from litellm.proxy.proxy_server import app as litellm

# As "POST /anthropic/v1/messages,GET …".
API_ROUTES = os.environ["GATEWAY_ROUTES"].split(",")

# For the kubelet's probes; they tell no more than that LiteLLM is up.
PROBE_ROUTES = ["GET /health/liveliness", "GET /health/readiness"]

OPEN_ROUTES = frozenset(tuple(route.split(" ")) for route in API_ROUTES + PROBE_ROUTES)


async def app(scope, receive, send):
    """Passes on the open routes and LiteLLM's own start and stop; answers 404 to all else."""
    if scope["type"] == "lifespan":
        await litellm(scope, receive, send)
    elif scope["type"] != "http":
        await send({"type": "websocket.close", "code": 1008})
    elif (scope["method"], scope["path"]) in OPEN_ROUTES:
        await _serve_while_awaited(scope, receive, send)
    else:
        await _not_found(send)


async def _serve_while_awaited(scope, receive, send):
    """Gives a request up when its client leaves before the answer has begun.

    LiteLLM notices that only once it has something to write: the upstream's work would go on until then, and a
    pod that is to stop would wait for it. A client that leaves later is noticed by LiteLLM itself.
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
        # All that can come after the request: the client left, or the answer is complete.
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
        # Cancelled from outside, as at the end of uvicorn's grace, is passed on.
        if not left.is_set():
            raise
    finally:
        watching.cancel()


async def _not_found(send):
    error = {"type": "not_found_error", "message": "Not found"}
    body = json.dumps({"type": "error", "error": error}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": 404, "headers": headers})
    await send({"type": "http.response.body", "body": body})
