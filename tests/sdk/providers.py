"""The official clients of many providers, driven line by line: a call in, what came of it out.

Both are JSON. It judges nothing; the suite that starts it does. What goes over the wire is noted
below the clients, at the HTTP libraries they use or by their own events: nothing about the clients
themselves is changed. A client is imported when it is first asked for.
"""

import hashlib
import json
import os
import sys

import httpx
import httpx2

PATIENCE_SECONDS = 30
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
FUNCTION = {"name": "look_up", "description": "Looks it up.", "parameters": SCHEMA}
FUNCTION_TOOL = {"type": "function", "function": FUNCTION}
WIRE = {}


def note_requests(library):
    """Sees each request and the head of its answer as the library's transport does."""
    handle = library.HTTPTransport.handle_request

    def noting(transport, request):
        WIRE["body"] = request.read()
        answer = handle(transport, request)
        WIRE["status"] = answer.status_code
        WIRE["headers"] = {name.lower(): value for name, value in answer.headers.items()}
        return answer

    library.HTTPTransport.handle_request = noting


def messages(call):
    return [{"role": "user", "content": call["text"]}]


def tool(name, arguments):
    """A call of a tool; arguments come as text from some clients, as a value from others."""
    try:
        arguments = json.loads(arguments) if isinstance(arguments, str) else arguments
    except ValueError:
        pass
    return {"name": name, "arguments": arguments}


def note(seen, text="", tools=()):
    seen["events"] += 1
    seen["text"] += text or ""
    seen["tools"] += tools


class StreamedTools:
    """Calls of tools whose arguments come in pieces."""

    def __init__(self):
        self.calls = []

    def start(self, name, arguments=""):
        self.calls.append([name, arguments])

    def more(self, arguments):
        self.calls[-1][1] += arguments or ""

    def all(self):
        return [tool(name, arguments) for name, arguments in self.calls]


def gemini(call, seen):
    from google import genai

    options = genai.types.HttpOptions(base_url=call["url"], timeout=PATIENCE_SECONDS * 1000)
    client = genai.Client(api_key="replay", http_options=options)
    function = {"name": "look_up", "description": "Looks it up."}
    config = {"tools": [{"function_declarations": [function]}]} if call["tools"] else {}
    # The client would run tools by itself.
    config["automatic_function_calling"] = {"disable": True}
    arguments = {"model": call["model"], "contents": call["text"], "config": config}
    models = client.models
    if call["stream"]:
        answers = models.generate_content_stream(**arguments)
    else:
        answers = [models.generate_content(**arguments)]
    for answer in answers:
        parts = [p for c in answer.candidates or [] for p in (c.content and c.content.parts) or []]
        calls = [part.function_call for part in parts if part.function_call]
        text = "".join(part.text for part in parts if part.text)
        note(seen, text, [tool(call.name, call.args or {}) for call in calls])


def bedrock(call):
    """A client that signs, that has a bearer key, or that leaves signing to others."""
    import boto3
    from botocore import UNSIGNED
    from botocore.config import Config

    settings = {"retries": {"total_max_attempts": 1}, "read_timeout": PATIENCE_SECONDS}
    if call["auth"] == "unsigned":
        settings["signature_version"] = UNSIGNED
    # A bearer key is not asked for by argument, and wins over a key pair.
    os.environ.pop("AWS_BEARER_TOKEN_BEDROCK", None)
    if call["auth"] == "bearer":
        os.environ["AWS_BEARER_TOKEN_BEDROCK"] = "replay"
    client = boto3.client(
        "bedrock-runtime",
        region_name="us-east-1",
        endpoint_url=call["url"],
        aws_access_key_id=call["access_key"],
        aws_secret_access_key=call["secret_key"],
        verify=call.get("certificate"),
        config=Config(**settings),
    )

    def before_send(request, **_):
        WIRE["body"] = request.body or b""

    def after_call(http_response, **_):
        WIRE["status"] = http_response.status_code
        WIRE["headers"] = {k.lower(): v for k, v in http_response.headers.items()}

    client.meta.events.register("before-send.bedrock-runtime", before_send)
    client.meta.events.register("after-call.bedrock-runtime", after_call)
    return client


def converse(call, seen):
    client = bedrock(call)
    content = [{"text": call["text"]}]
    arguments = {"modelId": call["model"], "messages": [{"role": "user", "content": content}]}
    if call["tools"]:
        spec = {"name": "look_up", "inputSchema": {"json": SCHEMA}}
        arguments["toolConfig"] = {"tools": [{"toolSpec": spec}]}
    if not call["stream"]:
        blocks = client.converse(**arguments)["output"]["message"]["content"]
        calls = [block["toolUse"] for block in blocks if "toolUse" in block]
        text = "".join(block.get("text", "") for block in blocks)
        return note(seen, text, [tool(one["name"], one["input"]) for one in calls])
    tools = StreamedTools()
    for event in client.converse_stream(**arguments)["stream"]:
        start = event.get("contentBlockStart", {}).get("start", {})
        delta = event.get("contentBlockDelta", {}).get("delta", {})
        if "toolUse" in start:
            tools.start(start["toolUse"]["name"])
        if "toolUse" in delta:
            tools.more(delta["toolUse"].get("input"))
        note(seen, delta.get("text"))
    seen["tools"] = tools.all()


def invoke(call, seen):
    client = bedrock(call)
    body = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 256, "messages": messages(call)}
    if call["tools"]:
        body["tools"] = [{"name": "look_up", "input_schema": SCHEMA}]
    arguments = {"modelId": call["model"], "body": json.dumps(body)}
    arguments["contentType"] = "application/json"
    if not call["stream"]:
        answer = json.loads(client.invoke_model(**arguments)["body"].read())
        return note_blocks(seen, answer["content"])
    tools = StreamedTools()
    for event in client.invoke_model_with_response_stream(**arguments)["body"]:
        note_claude_event(seen, tools, json.loads(event["chunk"]["bytes"]))
    seen["tools"] = tools.all()


def note_blocks(seen, blocks):
    calls = [block for block in blocks if block["type"] == "tool_use"]
    text = "".join(block.get("text") or "" for block in blocks)
    note(seen, text, [tool(one["name"], one["input"]) for one in calls])


def note_claude_event(seen, tools, event):
    block, delta = event.get("content_block") or {}, event.get("delta") or {}
    if block.get("type") == "tool_use":
        tools.start(block["name"])
    if delta.get("type") == "input_json_delta":
        tools.more(delta["partial_json"])
    note(seen, delta.get("text"))


def claude(client, call, seen):
    arguments = {"model": call["model"], "max_tokens": 256, "messages": messages(call)}
    if call["tools"]:
        arguments["tools"] = [{"name": "look_up", "input_schema": SCHEMA}]
    if not call["stream"]:
        answer = client.messages.create(**arguments)
        return note_blocks(seen, [block.model_dump() for block in answer.content])
    tools = StreamedTools()
    for event in client.messages.create(stream=True, **arguments):
        note_claude_event(seen, tools, event.model_dump())
    seen["tools"] = tools.all()


def claude_on_vertex(call, seen):
    import anthropic

    client = anthropic.AnthropicVertex(
        project_id="example-project",
        region="us-east5",
        access_token="replay",
        base_url=call["url"] + "/v1",
        max_retries=0,
        timeout=PATIENCE_SECONDS,
    )
    claude(client, call, seen)


def claude_on_bedrock(call, seen):
    import anthropic

    if call["auth"] == "signed":
        keys = {"aws_access_key": call["access_key"], "aws_secret_key": call["secret_key"]}
    else:
        keys = {"api_key": "replay"}
    client = anthropic.AnthropicBedrock(
        aws_region="us-east-1",
        base_url=call["url"],
        max_retries=0,
        timeout=PATIENCE_SECONDS,
        **keys,
    )
    claude(client, call, seen)


def ollama(call, seen):
    from ollama import Client

    client = Client(host=call["url"], timeout=PATIENCE_SECONDS)
    tools = [FUNCTION_TOOL] if call["tools"] else None
    stream = call["stream"]
    answers = client.chat(call["model"], messages(call), tools=tools, stream=stream)
    for answer in answers if stream else [answers]:
        calls = [one.function for one in answer.message.tool_calls or []]
        note(seen, answer.message.content, [tool(one.name, dict(one.arguments)) for one in calls])


def mistral(call, seen):
    from mistralai.client import Mistral

    patience = PATIENCE_SECONDS * 1000
    client = Mistral(api_key="replay", server_url=call["url"], timeout_ms=patience)
    arguments = {"model": call["model"], "messages": messages(call)}
    if call["tools"]:
        arguments["tools"] = [FUNCTION_TOOL]
    if call["stream"]:
        choices = (event.data.choices[0].delta for event in client.chat.stream(**arguments))
    else:
        choices = [client.chat.complete(**arguments).choices[0].message]
    for choice in choices:
        calls = [one.function for one in choice.tool_calls or []]
        note(seen, choice.content, [tool(one.name, one.arguments) for one in calls])


def cohere(call, seen):
    import cohere

    client = cohere.ClientV2(api_key="replay", base_url=call["url"], timeout=PATIENCE_SECONDS)
    arguments = {"model": call["model"], "messages": messages(call)}
    arguments["request_options"] = {"max_retries": 0}
    if call["tools"]:
        arguments["tools"] = [FUNCTION_TOOL]
    if not call["stream"]:
        message = client.chat(**arguments).message
        calls = [one.function for one in message.tool_calls or []]
        text = "".join(part.text for part in message.content or [] if part.type == "text")
        return note(seen, text, [tool(one.name, one.arguments) for one in calls])
    tools = StreamedTools()
    for event in client.chat_stream(**arguments):
        text = ""
        if event.type == "content-delta":
            text = event.delta.message.content.text
        if event.type == "tool-call-start":
            function = event.delta.message.tool_calls.function
            tools.start(function.name, function.arguments or "")
        if event.type == "tool-call-delta":
            tools.more(event.delta.message.tool_calls.function.arguments)
        if event.type == "message-end":
            seen["ended"] = event.delta.finish_reason
            seen["message"] = getattr(event.delta, "error", None)
        note(seen, text)
    seen["tools"] = tools.all()


def openai_client(call):
    import openai

    return openai.OpenAI(
        base_url=call["url"] + "/v1", api_key="replay", max_retries=0, timeout=PATIENCE_SECONDS
    )


def responses(call, seen):
    client = openai_client(call)
    arguments = {"model": call["model"], "input": call["text"]}
    if call["tools"]:
        arguments["tools"] = [{"type": "function", "strict": False, **FUNCTION}]
    if not call["stream"]:
        answer = client.responses.create(**arguments)
        calls = [item for item in answer.output if item.type == "function_call"]
        return note(seen, answer.output_text, [tool(one.name, one.arguments) for one in calls])
    for event in client.responses.create(stream=True, **arguments):
        note(seen, event.delta if event.type == "response.output_text.delta" else "")


def embeddings(call, seen):
    answer = openai_client(call).embeddings.create(model=call["model"], input=call["text"])
    seen["vector"] = answer.data[0].embedding
    note(seen)


def azure(call, seen):
    import openai

    client = openai.AzureOpenAI(
        azure_endpoint=call["url"],
        api_version="2024-12-01-preview",
        api_key="replay",
        max_retries=0,
        timeout=PATIENCE_SECONDS,
    )
    arguments = {"model": call["model"], "messages": messages(call)}
    if not call["stream"]:
        message = client.chat.completions.create(**arguments).choices[0].message
        return note(seen, message.content)
    # Azure states usage only where it is asked for.
    options = {"include_usage": True}
    for chunk in client.chat.completions.create(stream=True, stream_options=options, **arguments):
        note(seen, "".join(choice.delta.content or "" for choice in chunk.choices))


def note_error(seen, error):
    seen["raised"] = type(error).__name__
    seen["is_a"] = [one.__name__ for one in type(error).__mro__]
    seen["module"] = type(error).__module__
    # One client keeps the answer beside what it says of it.
    body = getattr(error, "body", None)
    seen["message"] = f"{error} {body}" if isinstance(body, str) else str(error)
    # What each client calls the kind of error.
    if isinstance(getattr(error, "response", None), dict):
        seen["code"] = error.response.get("Error", {}).get("Code")
    else:
        seen["code"] = getattr(error, "status", None)


note_requests(httpx)
note_requests(httpx2)
for line in sys.stdin:
    call, seen = json.loads(line), {"text": "", "tools": [], "events": 0}
    WIRE.clear()
    try:
        globals()[call["api"]](call, seen)
    except Exception as error:  # Whatever a client raises is what the suite asks about.
        note_error(seen, error)
    seen["status"], seen["headers"] = WIRE.get("status"), WIRE.get("headers", {})
    seen["input_hash"] = hashlib.sha256(WIRE.get("body", b"")).hexdigest()
    print(json.dumps(seen), flush=True)
