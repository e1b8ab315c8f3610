"""The guided tour: real calls by the official clients, each asserted as it is made.

It talks to the gateway alone; what was recorded of each call is compared by the caller, which gets
one JSON line a call in the file TOUR_RESULTS. Lines for people go to standard error.
"""

import hashlib
import json
import os
import pathlib
import sys
import time

import anthropic
import openai

GATEWAY = os.environ["GATEWAY"]
POLICY = pathlib.Path(os.environ["POLICY"])
REPLAY = os.environ.get("REPLAY") == "1"
PINNED = "gpt-4o-2025-12-17"
CLAUDE = "claude-sonnet-4-6"

# No retries: each step is one call, and one record.
OPENAI = openai.OpenAI(
    base_url=f"{GATEWAY}/v1", api_key=os.environ.get("OPENAI_API_KEY") or "replay", max_retries=0
)
ANTHROPIC = anthropic.Anthropic(
    base_url=GATEWAY, api_key=os.environ.get("ANTHROPIC_API_KEY") or "replay", max_retries=0
)
ADD = {
    "name": "add",
    "description": "Adds two numbers",
    "parameters": {
        "type": "object",
        "properties": {"a": {"type": "number"}, "b": {"type": "number"}},
    },
}

results = open(os.environ["TOUR_RESULTS"], "w", encoding="utf-8", buffering=1)
failures = 0


def say(text=""):
    print(text, file=sys.stderr, flush=True)


def check(holds, what):
    if not holds:
        raise AssertionError(what)


def version():
    return "sha256:" + hashlib.sha256(POLICY.read_bytes()).hexdigest()


def judged(answer, outcome, fired=(), model=None, stream=False, would_fire=()):
    """Checks the headers of one answer and notes what its record must say."""
    headers = answer.headers
    decision = headers.get("x-decision-id", "")
    check(decision.startswith("d-"), f"x-decision-id is {decision!r}")
    check(headers.get("x-policy-version") == version(), "x-policy-version is not the file's hash")
    flags = [flag.strip() for flag in headers.get("x-decision-flags", "").split(",")]
    for name in fired:
        check(stream or name in flags, f"x-decision-flags {flags} lacks {name}")
    note = {"decision_id": decision, "outcome": outcome, "fired": list(fired), "stream": stream}
    note["would_fire"] = list(would_fire)
    note["input_hash"] = hashlib.sha256(answer.request.content).hexdigest()
    if model:
        note["model"] = model
    results.write(json.dumps(note) + "\n")
    say(f"     {decision}" + (f"  flags: {', '.join(filter(None, flags))}" if any(flags) else ""))
    return decision


def ask(model, text, **more):
    """One chat completion: the HTTP answer and the parsed one."""
    messages = [{"role": "user", "content": text}]
    raw = OPENAI.chat.completions.with_raw_response.create(model=model, messages=messages, **more)
    return raw.http_response, raw.parse()


def claude_says(text, model=CLAUDE, **more):
    """One message of Anthropic's: the HTTP answer and the parsed one."""
    messages = [{"role": "user", "content": text}]
    raw = ANTHROPIC.messages.with_raw_response.create(
        model=model, max_tokens=256, messages=messages, **more
    )
    return raw.http_response, raw.parse()


def approved():
    """An approved model: answered, with a record"""
    answer, completion = ask(PINNED, "Say foo loudly.")
    choice = completion.choices[0]
    check(choice.message.content, "the answer is empty")
    check(choice.logprobs is None, "log probabilities that nobody asked for were not taken out")
    judged(answer, "completed", model=PINNED)
    say(f"     answer: {choice.message.content}")


def floating_alias():
    """A floating alias: rewritten to its pin, flagged, answered"""
    answer, completion = ask("gpt-4o", "What is the capital of Yemen?")
    judged(answer, "completed", ["models.pins"], model=PINNED)
    say(f"     asked for gpt-4o, served by {completion.model}")


def unapproved():
    """An unapproved model: refused with the client's own exception, before the provider is paid"""
    try:
        ask("gpt-3.5-turbo-0125", "Hello")
    except openai.PermissionDeniedError as error:
        decision = judged(error.response, "denied", ["approved_models"])
        check(decision in str(error), "the error does not name its decision")
        say(f"     {type(error).__name__}: {error.body['message'] if error.body else error}")
        return
    check(False, "the call was answered")


def low_confidence():
    """A doubtful answer: flagged, and Slack is told"""
    answer, completion = ask(PINNED, "Say foo quietly.")
    judged(answer, "completed", ["confidence_gate"], model=PINNED)
    say(f"     answer: {completion.choices[0].message.content}")


def high_risk():
    """Health data and a social security number: answered, routed to a person"""
    text = "Patient Jane Roe, SSN 219-09-9999, has diabetes. The meeting is scheduled for March "
    text += "15th at 2 PM. Extract the key information."
    answer, message = claude_says(text, extra_headers={"x-ai-category": "healthcare"})
    judged(answer, "completed", ["high_risk_review"], model=CLAUDE)
    say(f"     answer: {' '.join(message.content[0].text.split())}")


def stream():
    """A stream: token by token, its end held until the record is committed"""
    begun = time.monotonic()
    raw = OPENAI.chat.completions.with_raw_response.create(
        model=PINNED, messages=[{"role": "user", "content": "What is 6 times 7?"}], stream=True
    )
    text, first = "", None
    for chunk in raw.parse():
        first = first or time.monotonic()
        text += "".join(choice.delta.content or "" for choice in chunk.choices)
    check(text, "the stream is empty")
    judged(raw.http_response, "completed", model=PINNED, stream=True)
    times = (round((t - begun) * 1000) for t in (first, time.monotonic()))
    say("     {} (first chunk after {} ms, last after {} ms)".format(text, *times))


def tool_call():
    """A tool call: passed on as the model made it"""
    tools = [{"type": "function", "function": ADD}]
    answer, completion = ask(PINNED, "What is 1 + 2?", tools=tools)
    calls = completion.choices[0].message.tool_calls or []
    check(calls, "no tool was called")
    judged(answer, "completed", model=PINNED)
    say(f"     {calls[0].function.name}({calls[0].function.arguments})")


def upstream_error():
    """An error of the provider: passed on unchanged, recorded as such"""
    try:
        ask(PINNED, "This is beyond the rate limit.")
    except openai.RateLimitError as error:
        check(error.response.headers.get("retry-after"), "retry-after is gone")
        judged(error.response, "upstream_error")
        say(f"     {type(error).__name__}, retry-after {error.response.headers['retry-after']}")
        return
    check(False, "the call was answered")


def claude():
    """Anthropic's client and API, through the same gateway"""
    answer, message = claude_says("What is the capital of France?")
    judged(answer, "completed", model=CLAUDE)
    say(f"     answer: {message.content[0].text}")


def claude_unapproved():
    """The same refusal in Anthropic's own shape"""
    try:
        claude_says("Hello", model="claude-3-haiku-20240307")
    except anthropic.PermissionDeniedError as error:
        judged(error.response, "denied", ["approved_models"])
        say(f"     {type(error).__name__}: {error.body['error']['message']}")
        return
    check(False, "the call was answered")


def edit(change):
    """Replaces governance.yml and waits until calls are judged by the new text."""
    beside = POLICY.with_suffix(".new")
    beside.write_text(change(POLICY.read_text(encoding="utf-8")), encoding="utf-8")
    beside.replace(POLICY)
    deadline = time.monotonic() + 20
    while True:
        answer, _ = ask(PINNED, "Say foo loudly.")
        if answer.headers.get("x-policy-version") == version():
            break
        check(time.monotonic() < deadline, "the edited policy is not in force after 20 s")
        time.sleep(0.3)
    say(f"     in force: {version()}")


FALCON = "What is the codename of Project Falcon?"
RULE = (
    "policies:\n- name: no_falcon\n  trigger: \"prompt.contains('Project Falcon')\"\n"
    "  action: deny\n  message: Project Falcon is not for models.\n"
)
OBSERVED = "  mode: observe\n"


def policy_on_trial():
    """A rule is added to governance.yml on trial: it refuses nobody, and the record says it would"""
    say(f"     in force: {version()}")
    edit(lambda text: text.replace("policies:\n", RULE + OBSERVED, 1))
    answer, _ = ask(PINNED, FALCON)
    check("no_falcon" not in answer.headers.get("x-decision-flags", ""), "the trial shows outside")
    judged(answer, "completed", model=PINNED, would_fire=["no_falcon"])


def policy_enforced():
    """`mode: observe` is taken out: the same call is refused"""
    edit(lambda text: text.replace(OBSERVED, "", 1))
    try:
        ask(PINNED, FALCON)
    except openai.PermissionDeniedError as error:
        judged(error.response, "denied", ["no_falcon"])
        say(f"     {type(error).__name__}: {error.body['message'] if error.body else error}")
        return
    check(False, "the call was answered")


STEPS = [approved, floating_alias, unapproved, low_confidence, high_risk, stream, tool_call]
STEPS += [upstream_error, claude, claude_unapproved, policy_on_trial, policy_enforced]
# A real provider gives no such answers on demand, and is one provider.
REPLAY_ONLY = {low_confidence, upstream_error}
ANTHROPIC_ONLY = {high_risk, claude, claude_unapproved}

for number, step in enumerate(STEPS, 1):
    say(f"{number:3}. {step.__doc__}")
    if not REPLAY and (step in REPLAY_ONLY or step in ANTHROPIC_ONLY):
        say("     left out: it needs the built-in provider")
        continue
    try:
        step()
    except Exception as error:  # Every step is tried, so that one run shows all that is wrong.
        failures += 1
        say(f"     FAILED: {type(error).__name__}: {error}")

sys.exit(1 if failures else 0)
