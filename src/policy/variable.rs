//! What a trigger can read and call: one table, from which names, types and phases all follow.
//! Holds no values; those are taken from the facts in `judge`.

/// When a trigger is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Before the provider is called.
    Request,
    /// When the answer is complete.
    Answer,
}

/// What a trigger can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Variable {
    Model,
    RequestedModel,
    ModelPinned,
    Provider,
    Operation,
    Category,
    Categories,
    Prompt,
    Input,
    Caller,
    Request,
    Route,
    Gateway,
    Now,
    Confidence,
    Output,
    ServedModel,
    SystemFingerprint,
    FinishReason,
    Refusal,
    ToolCalls,
    Usage,
    Status,
    LatencyMs,
}

/// The type of a value, as far as a load-time check needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    Text,
    Number,
    Bool,
    List,
    Map,
    Null,
}

/// Every variable of this version.
pub const VARIABLES: &[(Variable, &str, Type, Phase)] = &[
    (Variable::Model, "model", Type::Text, Phase::Request),
    (Variable::RequestedModel, "requested_model", Type::Text, Phase::Request),
    (Variable::ModelPinned, "model_pinned", Type::Bool, Phase::Request),
    (Variable::Provider, "provider", Type::Text, Phase::Request),
    (Variable::Operation, "operation", Type::Text, Phase::Request),
    (Variable::Category, "category", Type::Text, Phase::Request),
    (Variable::Categories, "categories", Type::List, Phase::Request),
    (Variable::Prompt, "prompt", Type::Text, Phase::Request),
    (Variable::Input, "input", Type::Map, Phase::Request),
    (Variable::Caller, "caller", Type::Map, Phase::Request),
    (Variable::Request, "request", Type::Map, Phase::Request),
    (Variable::Route, "route", Type::Text, Phase::Request),
    (Variable::Gateway, "gateway", Type::Text, Phase::Request),
    (Variable::Now, "now", Type::Map, Phase::Request),
    (Variable::Confidence, "confidence", Type::Number, Phase::Answer),
    (Variable::Output, "output", Type::Text, Phase::Answer),
    (Variable::ServedModel, "served_model", Type::Text, Phase::Answer),
    (Variable::SystemFingerprint, "system_fingerprint", Type::Text, Phase::Answer),
    (Variable::FinishReason, "finish_reason", Type::Text, Phase::Answer),
    (Variable::Refusal, "refusal", Type::Bool, Phase::Answer),
    (Variable::ToolCalls, "tool_calls", Type::List, Phase::Answer),
    (Variable::Usage, "usage", Type::Map, Phase::Answer),
    (Variable::Status, "status", Type::Number, Phase::Answer),
    (Variable::LatencyMs, "latency_ms", Type::Number, Phase::Answer),
];

/// Fields of the maps. A map has no others, so that `usage.input_token` is found at load.
pub const FIELDS: &[(Variable, &[(&str, Type)])] = &[
    (
        Variable::Input,
        &[
            ("messages", Type::Number),
            ("characters", Type::Number),
            ("images", Type::Number),
            ("tools", Type::List),
            ("max_tokens", Type::Number),
            ("temperature", Type::Number),
            ("stream", Type::Bool),
        ],
    ),
    (
        Variable::Caller,
        &[
            ("spiffe", Type::Text),
            ("namespace", Type::Text),
            ("service_account", Type::Text),
            ("subject", Type::Text),
            ("api_key_hash", Type::Text),
            ("address", Type::Text),
        ],
    ),
    (
        Variable::Request,
        &[
            ("method", Type::Text),
            ("path", Type::Text),
            ("host", Type::Text),
            ("headers", Type::Map),
        ],
    ),
    (Variable::Now, &[("unix", Type::Number), ("hour", Type::Number), ("weekday", Type::Number)]),
    (
        Variable::Usage,
        &[
            ("input_tokens", Type::Number),
            ("output_tokens", Type::Number),
            ("total_tokens", Type::Number),
            ("cached_tokens", Type::Number),
            ("reasoning_tokens", Type::Number),
        ],
    ),
];

/// Lists of texts, and maps of names to texts. A field stands behind its variable.
const OF_TEXTS: &[(Variable, Option<&str>)] = &[
    (Variable::Categories, None),
    (Variable::Input, Some("tools")),
    (Variable::Request, Some("headers")),
];

/// How a function is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `size(text)`
    Plain,
    /// `text.contains('part')`
    Method,
    /// Either.
    Both,
}

/// A function of this version.
#[derive(Debug)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// How it is written, for people.
    pub usage: &'static str,
    pub form: Form,
    /// The types that each argument may have, that of a method's target first; none: any.
    pub takes: &'static [&'static [Type]],
    /// The type it gives.
    pub gives: Type,
}

const TEXT: &[Type] = &[Type::Text];
const SIZED: &[Type] = &[Type::Text, Type::List, Type::Map];
const PRINTED: &[Type] = &[Type::Text, Type::Number, Type::Bool];
const CONVERTED: &[Type] = &[Type::Text, Type::Number];

const fn function(
    name: &'static str,
    usage: &'static str,
    form: Form,
    takes: &'static [&'static [Type]],
    gives: Type,
) -> Function {
    Function { name, usage, form, takes, gives }
}

/// Functions of this version.
pub const FUNCTIONS: &[Function] = &[
    function("size", "size(value)", Form::Both, &[SIZED], Type::Number),
    function("contains", "text.contains('part')", Form::Method, &[TEXT, TEXT], Type::Bool),
    function("startsWith", "text.startsWith('part')", Form::Method, &[TEXT, TEXT], Type::Bool),
    function("endsWith", "text.endsWith('part')", Form::Method, &[TEXT, TEXT], Type::Bool),
    function("matches", "text.matches('pattern')", Form::Both, &[TEXT, TEXT], Type::Bool),
    function("glob", "glob(text, 'pattern')", Form::Plain, &[TEXT, TEXT], Type::Bool),
    function("contains_pii", "contains_pii(text)", Form::Plain, &[TEXT], Type::Bool),
    function("pii_kinds", "pii_kinds(text)", Form::Plain, &[TEXT], Type::List),
    function("contains_secret", "contains_secret(text)", Form::Plain, &[TEXT], Type::Bool),
    function("is_pinned", "is_pinned(model)", Form::Plain, &[TEXT], Type::Bool),
    function("string", "string(value)", Form::Plain, &[PRINTED], Type::Text),
    function("int", "int(value)", Form::Plain, &[CONVERTED], Type::Number),
    function("uint", "uint(value)", Form::Plain, &[CONVERTED], Type::Number),
    function("double", "double(value)", Form::Plain, &[CONVERTED], Type::Number),
    function("bool", "bool(value)", Form::Plain, &[&[Type::Text, Type::Bool]], Type::Bool),
];

/// Macros of this version and how they are written.
pub const MACROS: &[(&str, &str)] = &[
    ("has", "has(map.field)"),
    ("all", "list.all(item, condition)"),
    ("exists", "list.exists(item, condition)"),
    ("exists_one", "list.exists_one(item, condition)"),
    ("map", "list.map(item, value)"),
    ("filter", "list.filter(item, condition)"),
];

/// Functions of CEL that no trigger needs, and what to write instead.
pub const FUNCTIONS_REFUSED: &[(&str, &str)] = &[
    ("timestamp", "a time is a number of `now`, such as `now.hour`"),
    ("duration", "a time is a number, such as `latency_ms`"),
    ("bytes", "a text is read as it is, and `size` counts its characters"),
    ("dyn", "a value is read as it is"),
    ("type", "the type of each variable is known when the file is loaded"),
    ("lowerAscii", "write `text.matches('(?i)pattern')`"),
    ("upperAscii", "write `text.matches('(?i)pattern')`"),
    ("lower", "write `text.matches('(?i)pattern')`"),
    ("upper", "write `text.matches('(?i)pattern')`"),
    ("toLowerCase", "write `text.matches('(?i)pattern')`"),
    ("toUpperCase", "write `text.matches('(?i)pattern')`"),
];

// === impl Variable ===

impl Variable {
    /// The variable called `name`.
    pub fn parse(name: &str) -> Option<Variable> {
        VARIABLES.iter().find(|row| row.1 == name).map(|row| row.0)
    }

    /// Its name.
    pub fn as_str(self) -> &'static str {
        self.row().map_or("", |row| row.1)
    }

    /// Its type.
    pub fn kind(self) -> Option<Type> {
        self.row().map(|row| row.2)
    }

    /// The first phase that has it.
    pub fn phase(self) -> Phase {
        self.row().map_or(Phase::Request, |row| row.3)
    }

    /// Its fields, where it is a map.
    pub fn fields(self) -> Option<&'static [(&'static str, Type)]> {
        FIELDS.iter().find(|(variable, _)| *variable == self).map(|(_, fields)| *fields)
    }

    /// It, or `field` of it, is a list or a map of texts.
    pub fn is_of_texts(self, field: Option<&str>) -> bool {
        OF_TEXTS.contains(&(self, field))
    }

    /// Read of an answer's body. Status and time are known of every answer.
    pub fn is_of_answer_body(self) -> bool {
        self.phase() == Phase::Answer && !matches!(self, Variable::Status | Variable::LatencyMs)
    }

    /// Up to a mebibyte of text, which bounds how often it may be read.
    pub fn is_large(self) -> bool {
        matches!(self, Variable::Prompt | Variable::Output)
    }

    fn row(self) -> Option<&'static (Variable, &'static str, Type, Phase)> {
        VARIABLES.iter().find(|row| row.0 == self)
    }
}

// === impl Phase ===

impl Phase {
    /// The word that the record holds.
    pub fn as_str(self) -> &'static str {
        match self {
            Phase::Request => "request",
            Phase::Answer => "answer",
        }
    }
}

// === impl Type ===

impl Type {
    /// What it is called in a message.
    pub fn as_str(self) -> &'static str {
        match self {
            Type::Text => "a string",
            Type::Number => "a number",
            Type::Bool => "a bool",
            Type::List => "a list",
            Type::Map => "a map",
            Type::Null => "null",
        }
    }
}
