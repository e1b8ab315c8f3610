//! What the pages have in common: the frame around them, and how times and ages are written.

use std::time::{Duration, SystemTime};

use axum::response::Html;
use maud::{DOCTYPE, Markup, html};

use super::asked::Signed;

/// The frame.
pub struct Shell<'a> {
    /// What stands before every path.
    pub prefix: &'a str,
    /// The page's title.
    pub title: &'a str,
    /// Name and form token of whoever is signed in.
    pub who: Option<(&'a str, &'a str)>,
}

// === impl Shell ===

impl<'a> Shell<'a> {
    /// Of somebody who is signed in.
    pub fn of(signed: &'a Signed, title: &'a str) -> Shell<'a> {
        let session = &signed.session;
        let who = Some((session.reviewer.name.as_str(), session.form_token.as_str()));
        Shell { prefix: signed.asked.site().prefix(), title, who }
    }

    /// The page.
    pub fn page(&self, content: &Markup) -> Html<String> {
        let prefix = self.prefix;
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (self.title) " · AI governance" }
                    link rel="stylesheet" href=(format!("{prefix}/style.css"));
                }
                body {
                    a.skip href="#content" { "Skip to the content" }
                    header.top {
                        nav aria-label="Pages" {
                            a.home href=(format!("{prefix}/reviews")) { "AI governance reviews" }
                        }
                        @if let Some((name, form_token)) = self.who {
                            form.who method="post" action=(format!("{prefix}/logout")) {
                                (hidden("form_token", form_token))
                                span { "Signed in as " strong { (name) } }
                                button.quiet type="submit" { "Sign out" }
                            }
                        }
                    }
                    main #content tabindex="-1" { (content) }
                }
            }
        };
        Html(page.into_string())
    }
}

/// A field that is not shown.
pub fn hidden(name: &str, value: &str) -> Markup {
    html! { input type="hidden" name=(name) value=(value); }
}

/// Something said on top of a page. `kind`: `good`, `bad` or `note`.
pub fn notice(kind: &str, text: &str) -> Markup {
    html! { p.notice.(kind) role="status" { (text) } }
}

/// A time, to the second, in UTC.
pub fn time(at: SystemTime) -> Markup {
    let text = humantime::format_rfc3339_seconds(at).to_string();
    html! { time datetime=(text) { (readable(&text)) } }
}

/// A record's time, as it stands there.
pub fn recorded_time(text: &str) -> Markup {
    html! { time datetime=(text) { (readable(text)) } }
}

/// `2026-03-15T12:00:00.123Z` as `2026-03-15 12:00:00 UTC`; any other text as it is.
fn readable(text: &str) -> String {
    let parts = text.get(..10).zip(text.get(11..19));
    match parts.filter(|_| text.ends_with('Z')) {
        Some((date, clock)) => format!("{date} {clock} UTC"),
        None => text.to_owned(),
    }
}

/// How long ago, in its two largest units.
pub fn age(seconds: f64) -> String {
    let passed = Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or_default().as_secs();
    match (passed / 86_400, passed / 3_600 % 24, passed / 60 % 60) {
        (0, 0, 0) => format!("{passed} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, 0) => format!("{hours} h"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, 0, _) => format!("{days} d"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn age_has_two_units_at_most() {
        for (seconds, text) in [
            (-1.0, "0 s"),
            (59.9, "59 s"),
            (60.0, "1 min"),
            (3_660.0, "1 h 1 min"),
            (86_400.0, "1 d"),
            (90_061.0, "1 d 1 h"),
            (f64::NAN, "0 s"),
        ] {
            assert_eq!(age(seconds), text);
        }
    }

    #[test]
    fn time_that_is_none_stays_as_it_is() {
        assert_eq!(readable("2026-03-15T12:00:00.123Z"), "2026-03-15 12:00:00 UTC");
        assert_eq!(readable("soon"), "soon");
    }
}
