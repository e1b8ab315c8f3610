"""Writes the inputs that each fuzz target starts from into fuzz/corpus, made from tests/fixtures.

The first bytes of an input choose what the others are fed to; fuzz/src/lib.rs reads them.
"""

import pathlib
import re
import struct

ROOT = pathlib.Path(__file__).resolve().parent.parent
FIXTURES = ROOT / "tests/fixtures"
CORPUS = ROOT / "fuzz/corpus"

# Places in `PATHS` of fuzz/src/lib.rs.
PATHS = {
    "openai_chat": 0,
    "openai_completions": 1,
    "openai_responses": 2,
    "openai_media": 3,
    "embeddings": 4,
    "anthropic": 5,
    "anthropic_complete": 6,
    "gemini": 7,
    "gemini_embeddings": 8,
    "gemini_interactions": 9,
    "bedrock_converse": 10,
    "bedrock_invoke": 11,
    "ollama": 12,
    "cohere": 13,
    "watsonx": 14,
}
FRAMINGS = {".sse": 0, ".ndjson": 1, ".array": 2, ".eventstream": 3}
CONTENT_TYPES = {".sse": 1, ".ndjson": 2, ".array": 0, ".eventstream": 3}
CODINGS = {".gz": 1, ".zlib": 2, ".raw": 2, ".br": 3, ".zst": 4}
STREAMED = {"gemini": 15, "bedrock_converse": 16}
# Places in `POLICIES` of fuzz_targets/exchanges.rs: one that refuses nothing, one that pins `m`.
FLAGGING, PINNING = 1, 3

TEXTS = [
    "Mail ann@example.com or call +1 (555) 010-9999 about DE89 3704 0044 0532 0130 00.",
    "Card 4111 1111 1111 1111, social security number 078-05-1120, tel. 030 901820.",
    "The patient's diagnosis is influenza; the invoice and the bank account are overdue.",
    "\u017dlu\u0165ou\u010dk\u00fd k\u016f\u0148 \U0001f600 \u0661\u0662\u0663 ann\uff20example.com",
]
NAMES = [
    "gpt-4o-2024-08-06",
    "ft:gpt-4o-mini-2024-07-18:acme::8kd2",
    "claude-sonnet-4-5-20250929",
    "anthropic.claude-3-5-sonnet-20240620-v1:0",
    "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-v2:1",
    "us.meta.llama3-3-70b-instruct-v1:0",
    "projects/p/locations/l/publishers/google/models/gemini-2.0-flash-001",
    "openrouter/anthropic/claude-4.6-sonnet:nitro",
    "llama3.2:latest",
    "/v1beta/models/gemini-2.5-flash:generateContent\nm/\u00e9 %2f",
    "/openai/deployments/d/chat/completions?api-version=1\nother",
    "/model/anthropic.claude-v2%3A1/converse\na:b",
    "/v1/realtime?model=gpt-4o",
]
HEADERS = [
    b":method: POST\n:path: /v1/chat/completions\ncontent-type: application/json\n"
    b"authorization: Bearer sk-1\nx-ai-category: pii, general\nx-request-id: 1\n"
    b"traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    b"a:spiffe://example/app\na:subject\na:[::1]:4711\na:route\n"
    b":path: /model/m/converse?X-Amz-Signature=1\nauthorization: AWS4-HMAC-SHA256 "
    b"Credential=AKID/20250101/us-east-1/bedrock/aws4_request, SignedHeaders=host;x-amz-date",
    b":status: 200\ncontent-type: text/event-stream; charset=utf-8\ncontent-encoding: gzip\n"
    b"x-ai-confidence: 0.75\nx-amzn-bedrock-input-token-count: 12\ncontent-length: 10",
]


def write(target, name, seed):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(seed)


def bodies():
    """Every fixture that is a request or an answer: its protocol, its file and its bytes."""
    for folder in PATHS:
        for file in sorted((FIXTURES / folder).iterdir()):
            yield folder, file, file.read_bytes()


def exchange(policy, path, content_type, coding, request, answer):
    """A call from its first byte to its last ack, in two chunks each way."""
    head = bytes([policy, 0, path, 0, content_type, 0, coding])
    head += struct.pack("<HH", len(request) & 0xFFFF, len(answer) & 0xFFFF)
    steps = bytes([8, 1, 5, 2, 11, 4, 6])
    return head + request[:0xFFFF] + answer[:0xFFFF] + steps


def main():
    for folder, file, body in bodies():
        place, name = PATHS[folder], f"{folder}-{file.name}"
        framing = FRAMINGS.get(file.suffix)
        path = place if framing is None else STREAMED.get(folder, place)
        write("requests", name, bytes([place]) + body)
        write("detectors", name, body)
        if framing is None:
            write("answers", name, bytes([place, 0]) + body)
        else:
            long = [0xF8] if file.stem == "stream" else []
            for flags in [0, 1, 2, *long]:
                cut = bytes([flags, 1]) + struct.pack("<H", len(body) // 2)
                write("streams", f"{name}-{flags}", bytes([place, framing]) + cut + body)
        request = (FIXTURES / folder / "request.json")
        if request.is_file() and file != request:
            content_type = CONTENT_TYPES.get(file.suffix, 0)
            seed = exchange(FLAGGING, path, content_type, 0, request.read_bytes(), body)
            write("exchanges", name, seed)
    for file in sorted((FIXTURES / "codings").iterdir()):
        if file.suffix in CODINGS:
            coding, body = CODINGS[file.suffix], file.read_bytes()
            write("codings", file.name, bytes([coding, 1, 7, 0]) + body)
            request = b'{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}'
            seed = exchange(PINNING, 0, CONTENT_TYPES[".sse"], coding, request, body)
            write("exchanges", file.name, seed)
    for file in sorted((FIXTURES / "contract").iterdir()):
        write("lines", file.name, file.read_bytes())
        for place, line in enumerate(file.read_bytes().splitlines()):
            write("lines", f"{file.name}-{place}", line)
    ledger = FIXTURES / "ledger"
    write("proofs", "whole", (ledger / "proof.json").read_bytes())
    manifest, records = (ledger / "bundle/manifest.json"), (ledger / "bundle/records.jsonl")
    # Two leaves of the tree are behind the range.
    bundle = struct.pack("<H", 2) + manifest.read_bytes() + b"\n\n" + records.read_bytes()
    write("bundles", "whole", bundle)
    write("policy", "shipped", (ROOT / "governance.yml").read_bytes())
    for place, policy in enumerate((ROOT / "governance.yml").read_text().split("\n- ")):
        write("policy", f"entry-{place}", f"policies:\n- {policy}".encode())
    for suite in sorted((ROOT / "tests").glob("policy_*/*.rs")):
        for place, text in enumerate(re.findall(r'r#"(.*?)"#', suite.read_text(), re.DOTALL)):
            if not text.startswith("\ngovernance.yml:"):
                write("policy", f"{suite.stem}-{place}", text.encode())
    for target, seeds in [("detectors", TEXTS), ("names", NAMES)]:
        for place, seed in enumerate(seeds):
            choice = b"\0" if target == "names" else b""
            write(target, f"seed-{place}", choice + seed.encode())
    for place, seed in enumerate(HEADERS):
        write("heads", f"seed-{place}", seed)


if __name__ == "__main__":
    main()
