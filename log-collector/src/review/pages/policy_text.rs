//! A policy's text as reviewers see it: numbered, with the lines marked that fired.

use governance_filter::policy::Policy;
use maud::{Markup, html};

/// Where an entry of the policy stands.
pub struct Entry<'a> {
    /// Its line, from 1.
    pub line: usize,
    /// What its trigger reads.
    pub reads: Vec<&'a str>,
}

/// The entry of a name as the record has it: of `policies`, or a setting. `None` where the text
/// has none, as where a default fired, or where this build cannot read it.
pub fn entry<'a>(policy: Option<&'a Policy>, text: &str, name: &str) -> Option<Entry<'a>> {
    let outline = policy?.outlines().find(|outline| outline.name == name);
    if let Some(outline) = outline {
        return Some(Entry { line: outline.line, reads: outline.reads });
    }
    if !Policy::BUILT_IN_NAMES.contains(&name) {
        return None;
    }
    let (section, reads) = match name {
        "unreadable" => (None, Vec::new()),
        _ => (Some("models:"), vec!["requested_model", "model"]),
    };
    let key = format!("{}:", name.rsplit('.').next()?);
    Some(Entry { line: setting(text, section, &key)?, reads })
}

/// The line of a top-level key, or of a key in a top-level section.
fn setting(text: &str, section: Option<&str>, key: &str) -> Option<usize> {
    let mut inside = section.is_none();
    for (at, line) in text.lines().enumerate() {
        let top = !line.starts_with([' ', '#', '\t']) && !line.is_empty();
        if section.is_some() && top {
            inside = section.is_some_and(|section| line.starts_with(section));
        }
        let found = if section.is_some() { line.trim_start() } else { line };
        if inside && found.starts_with(key) && (section.is_none() || !top) {
            return Some(at + 1);
        }
    }
    None
}

/// The text, with these lines marked, each by what came of it.
pub fn render(text: &str, marked: &[(usize, String)]) -> Markup {
    html! {
        div.code tabindex="0" role="region" aria-label="Text of the policy" {
            @for (at, line) in text.lines().enumerate() {
                @let number = at + 1;
                @let fired = marked.iter().find(|(line, _)| *line == number);
                div.line.fired[fired.is_some()] id=(format!("line-{number}")) {
                    span.line-number aria-hidden="true" { (number) }
                    @if let Some((_, result)) = fired {
                        mark { (line) }
                        span.tag.bad { (result) }
                    } @else { span { (line) } }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "policies:\n- name: gate\n  # why\n  trigger: \"confidence < 0.75\"\n  \
                        action: flag_for_review\n- name: approved\n  allowed: [a]\nmodels:\n  \
                        # floating: deny\n  floating: flag\nunreadable: flag\n";

    #[test]
    fn line_of_what_fired_is_told() {
        let policy = Policy::parse(TEXT).unwrap();
        let line = |name| entry(Some(&policy), TEXT, name).map(|entry| entry.line);
        assert_eq!(line("gate"), Some(4));
        assert_eq!(line("approved"), Some(6));
        assert_eq!(line("models.floating"), Some(10));
        assert_eq!(line("unreadable"), Some(11));
        assert_eq!(line("models.pins"), None);
        assert_eq!(line("other"), None);
        assert_eq!(entry(Some(&policy), TEXT, "gate").unwrap().reads, ["confidence"]);
    }

    #[test]
    fn text_cannot_become_markup() {
        let html = render("a: <script>\nb", &[(2, "fired".to_owned())]).into_string();
        assert!(html.contains("a: &lt;script&gt;"), "{html}");
        assert!(html.contains("<mark>b</mark>"), "{html}");
    }
}
