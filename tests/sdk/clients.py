"""The official clients, driven line by line: a call in, what came of it out, both as JSON.

It judges nothing; the suite that starts it does. One process makes all calls, for importing the
clients takes seconds.
"""

import asyncio
import hashlib
import inspect
import json
import sys

import anthropic
import openai

PATIENCE_SECONDS = 30
MODULES = {"openai": openai, "anthropic": anthropic}
CLIENTS = {
    ("openai", "sync"): openai.OpenAI,
    ("openai", "async"): openai.AsyncOpenAI,
    ("anthropic", "sync"): anthropic.Anthropic,
    ("anthropic", "async"): anthropic.AsyncAnthropic,
}
SCHEMA = {"type": "object", "properties": {"a": {"type": "number"}, "b": {"type": "number"}}}
TOOLS = {
    "openai": [{"type": "function", "function": {"name": "add", "parameters": SCHEMA}}],
    "anthropic": [{"name": "add", "input_schema": SCHEMA}],
}


def client_of(call):
    base_url = call["url"] + ("/v1" if call["api"] == "openai" else "")
    return CLIENTS[call["api"], call["mode"]](
        base_url=base_url,
        api_key="replay",
        max_retries=call.get("retries", 0),
        timeout=PATIENCE_SECONDS,
    )


def method_of(client, call):
    """The method to call, with the HTTP answer kept, and its arguments."""
    arguments = {"model": call["model"], "messages": [{"role": "user", "content": call["text"]}]}
    if call["what"] == "stream":
        arguments["stream"] = True
    if call["what"] == "tools":
        arguments["tools"] = TOOLS[call["api"]]
    if call["api"] == "openai":
        return client.chat.completions.with_raw_response.create, arguments
    return client.messages.with_raw_response.create, {"max_tokens": 256, **arguments}


def note_http(seen, answer):
    seen["status"] = answer.status_code
    seen["headers"] = {name.lower(): value for name, value in answer.headers.items()}
    seen["input_hash"] = hashlib.sha256(answer.request.content).hexdigest()


def note_answer(seen, answer):
    if hasattr(answer, "choices"):
        message = answer.choices[0].message
        seen["text"] = message.content or ""
        seen["tools"] = [call.function.name for call in message.tool_calls or []]
        seen["logprobs"] = answer.choices[0].logprobs is not None
        return
    seen["text"] = "".join(part.text for part in answer.content if part.type == "text")
    seen["tools"] = [part.name for part in answer.content if part.type == "tool_use"]


def note_event(seen, event):
    seen["events"] += 1
    if hasattr(event, "choices"):
        seen["text"] += "".join(choice.delta.content or "" for choice in event.choices)
    elif event.type == "content_block_delta" and event.delta.type == "text_delta":
        seen["text"] += event.delta.text
    elif event.type == "message_stop":
        seen["stopped"] = True


def note_error(seen, api, error):
    seen["raised"] = type(error).__name__
    families = [name for name in vars(MODULES[api]) if name.endswith("Error")]
    seen["is_a"] = sorted(
        name for name in families if isinstance(error, getattr(MODULES[api], name))
    )
    seen["message"] = str(error)
    # An error that came on a stream keeps what was noted of the stream's own head.
    if getattr(error, "response", None) is not None and "status" not in seen:
        note_http(seen, error.response)


def sync_call(call, seen):
    with client_of(call) as client:
        method, arguments = method_of(client, call)
        raw = method(**arguments)
        note_http(seen, raw.http_response)
        answer = raw.parse()
        if call["what"] != "stream":
            return note_answer(seen, answer)
        seen.update(text="", events=0)
        for event in answer:
            note_event(seen, event)


async def async_call(call, seen):
    async with client_of(call) as client:
        method, arguments = method_of(client, call)
        raw = await method(**arguments)
        note_http(seen, raw.http_response)
        answer = raw.parse()
        if inspect.isawaitable(answer):  # One client has it so, the other not.
            answer = await answer
        if call["what"] != "stream":
            return note_answer(seen, answer)
        seen.update(text="", events=0)
        async for event in answer:
            note_event(seen, event)


for line in sys.stdin:
    call, seen = json.loads(line), {}
    try:
        if call["mode"] == "async":
            asyncio.run(async_call(call, seen))
        else:
            sync_call(call, seen)
    except Exception as error:  # Whatever a client raises is what the suite asks about.
        note_error(seen, call["api"], error)
    print(json.dumps(seen), flush=True)
