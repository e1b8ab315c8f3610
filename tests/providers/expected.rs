//! What each answer fixture reads as, in one line each, folder by folder; absent is left out.

#[path = "expected/anthropic.rs"]
mod anthropic;
#[path = "expected/bedrock_converse.rs"]
mod bedrock_converse;
#[path = "expected/bedrock_invoke.rs"]
mod bedrock_invoke;
#[path = "expected/cohere.rs"]
mod cohere;
#[path = "expected/openai_chat.rs"]
mod openai_chat;

/// A folder of fixtures: the path its requests go to, and its fixtures' summaries.
pub struct Folder {
    pub name: &'static str,
    pub path: &'static str,
    pub answers: &'static [(&'static str, &'static str)],
}

pub const FOLDERS: &[Folder] = &[
    Folder { name: "openai_chat", path: "/v1/chat/completions", answers: openai_chat::ANSWERS },
    Folder { name: "anthropic", path: "/v1/messages", answers: anthropic::ANSWERS },
    Folder {
        name: "bedrock_converse",
        path: "/model/m/converse-stream",
        answers: bedrock_converse::ANSWERS,
    },
    Folder {
        name: "bedrock_invoke",
        path: "/model/m/invoke-with-response-stream",
        answers: bedrock_invoke::ANSWERS,
    },
    Folder { name: "cohere", path: "/v2/chat", answers: cohere::ANSWERS },
];
