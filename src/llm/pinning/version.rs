//! The dates and version numbers that providers write into their models' names, and a name without
//! them. Each is told apart by the family it belongs to, for `-2512` and `-001` mean nothing alone.

/// Mistral's families.
pub const MISTRAL: &[&str] = &[
    "codestral",
    "devstral-",
    "magistral-",
    "mathstral-",
    "ministral-",
    "mistral-",
    "open-codestral-",
    "open-mistral-",
    "open-mixtral-",
    "pixtral-",
    "voxtral-",
];

/// Cohere's families.
pub const COHERE: &[&str] = &[
    "c4ai-",
    "command-",
    "embed-english-",
    "embed-multilingual-",
    "embed-v",
    "rerank-english-",
    "rerank-multilingual-",
    "rerank-v",
];

/// `model`, normalised, without its date or version suffix, for comparing what was served with
/// what is allowed: `gpt-4o-2024-08-06` and `gpt-4o` are then alike.
pub fn without_version(model: &str) -> &str {
    let name = model.strip_suffix("-latest").unwrap_or(model);
    let suffixes = [
        dashed_date,
        compact_date,
        month_day,
        year_month,
        month_year,
        google_number,
        grok_date,
        bedrock_revision,
        revision_date,
    ];
    suffixes.iter().find_map(|suffix| suffix(name)).unwrap_or(name)
}

/// What stands before `-2024-08-06` at the end.
pub fn dashed_date(name: &str) -> Option<&str> {
    let (rest, day) = name.rsplit_once('-')?;
    let (rest, month) = rest.rsplit_once('-')?;
    let (rest, year) = rest.rsplit_once('-')?;
    (is_year(year) && is_month(month) && is_day(day)).then_some(rest)
}

/// What stands before `-20240806` or `@20240806` at the end.
pub fn compact_date(name: &str) -> Option<&str> {
    let (rest, date) = name.rsplit_once(['-', '@'])?;
    let (year, month, day) = (date.get(..4)?, date.get(4..6)?, date.get(6..)?);
    (is_year(year) && is_month(month) && is_day(day)).then_some(rest)
}

/// What stands before `-0613` of the older GPT names, a trailing `-preview` included.
pub fn month_day(name: &str) -> Option<&str> {
    let dated = name.strip_suffix("-preview").unwrap_or(name);
    // `gpt-4-1106-vision-preview`.
    let dated = dated.strip_suffix("-vision").unwrap_or(dated);
    let (rest, date) = dated.rsplit_once('-')?;
    let old = ["gpt-3.5-turbo", "gpt-4"].iter().any(|base| {
        rest.strip_prefix(base).is_some_and(|more| more.is_empty() || more.starts_with('-'))
    });
    (old && is_month_day(date)).then_some(rest)
}

/// What stands before `-2512` or `@2512` of Mistral's names.
pub fn year_month(name: &str) -> Option<&str> {
    let (rest, date) = name.rsplit_once(['-', '@'])?;
    let (year, month) = (date.get(..2)?, date.get(2..)?);
    // Mistral's first model is of 2023.
    let valid = is_digits(year) && ("23".."40").contains(&year) && is_month(month);
    (valid && MISTRAL.iter().any(|family| name.starts_with(family))).then_some(rest)
}

/// What stands before `-08-2024` of Cohere's names.
pub fn month_year(name: &str) -> Option<&str> {
    let (rest, year) = name.rsplit_once('-')?;
    let (rest, month) = rest.rsplit_once('-')?;
    let cohere = COHERE.iter().any(|family| name.starts_with(family));
    (cohere && is_year(year) && is_month(month)).then_some(rest)
}

/// What stands before `-001` of Google's names, or before `@001` of any on Vertex.
pub fn google_number(name: &str) -> Option<&str> {
    let is_number = |number: &str| number.len() == 3 && is_digits(number);
    if let Some((rest, number)) = name.rsplit_once('@') {
        return is_number(number).then_some(rest);
    }
    let (rest, number) = name.rsplit_once('-')?;
    let families = ["gemini-", "imagen-", "lyria-", "veo-", "text-multilingual-embedding-"];
    // `text-embedding-ada-002` is a name of OpenAI's.
    let google = rest == "text-embedding" || families.iter().any(|family| name.starts_with(family));
    (google && is_number(number)).then_some(rest)
}

/// What stands before `-0709` at the end of xAI's names.
pub fn grok_date(name: &str) -> Option<&str> {
    let (rest, date) = name.rsplit_once('-')?;
    (rest.starts_with("grok-") && is_month_day(date)).then_some(rest)
}

/// What stands before `-v1:0` of Bedrock's identifiers.
pub fn bedrock_revision(name: &str) -> Option<&str> {
    let (rest, revision) = name.rsplit_once("-v")?;
    (revision.contains(':') && super::name::is_revision(revision)).then_some(rest)
}

/// What stands before `:20230824-v2`, as OpenAI's completions name what served them.
fn revision_date(name: &str) -> Option<&str> {
    let (rest, revision) = name.rsplit_once(':')?;
    let (date, number) = revision.split_once("-v")?;
    (date.len() == 8 && is_digits(date) && is_digits(number)).then_some(rest)
}

/// Major and minor of `claude-{name}-{major}[-{minor}]`, exactly; or of `claude-3-5-sonnet`, as the
/// names stood until 3.7.
pub fn claude_version(name: &str) -> Option<(u32, u32)> {
    let mut parts = name.strip_prefix("claude-")?.split('-').peekable();
    let is_family = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphabetic());
    let family_first = parts.next_if(|part| is_family(part)).is_some();
    let major = digits(parts.next()?, 2)?;
    let minor = parts.next_if(|part| digits(part, 2).is_some());
    let family_last = !family_first && parts.next_if(|part| is_family(part)).is_some();
    let whole = parts.next().is_none() && (family_first || (family_last && major == 3));
    whole.then_some((major, minor.and_then(|minor| digits(minor, 2)).unwrap_or(0)))
}

/// A number of at most `longest` digits.
pub fn digits(text: &str, longest: usize) -> Option<u32> {
    if is_digits(text) && text.len() <= longest { text.parse().ok() } else { None }
}

pub fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_year(text: &str) -> bool {
    text.len() == 4 && is_digits(text) && text.starts_with("20")
}

fn is_month(text: &str) -> bool {
    text.len() == 2 && is_digits(text) && ("01"..="12").contains(&text)
}

fn is_day(text: &str) -> bool {
    text.len() == 2 && is_digits(text) && ("01"..="31").contains(&text)
}

pub fn is_month_day(text: &str) -> bool {
    text.split_at_checked(2).is_some_and(|(month, day)| is_month(month) && is_day(day))
}
