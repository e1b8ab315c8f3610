//! Verdicts as the pages send them, and what is said of them afterwards.

use axum::body::Bytes;
use axum::response::Redirect;
use maud::{Markup, html};

use super::asked::{Page, Signed};
use super::layout::{hidden, notice};
use super::refusal::Refusal;
use crate::ingest::line::id_unix_ms;
use crate::review::{NOTE_CHARACTERS_MAX, VerdictKind};
use crate::store::reviews::Judged;

/// Verdicts that one form may give: those of a page.
const DECISIONS_MAX: usize = 50;

/// What verdicts came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    given: u16,
    stands: u16,
    changed: u16,
    own: u16,
    unknown: u16,
}

/// What a browser sent, name by name.
pub type Fields = Vec<(String, String)>;

/// Reads a form.
pub fn fields(body: &Bytes) -> Fields {
    form_urlencoded::parse(body).into_owned().collect()
}

/// A field that stands there once; empty where it is missing.
pub fn field<'a>(fields: &'a Fields, name: &str) -> &'a str {
    fields.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
}

/// `POST /verdicts`: one verdict on each decision that was ticked, or on the one that was shown.
pub async fn post_verdicts(signed: Signed, body: Bytes) -> Result<Redirect, Refusal> {
    let sent = fields(&body);
    if !signed.session.is_form_token(field(&sent, "form_token")) {
        return Err(Refusal::Stale);
    }
    let verdict = VerdictKind::parse(field(&sent, "verdict")).ok_or(Refusal::Malformed)?;
    let ticked = sent.iter().filter(|(name, _)| name == "decision");
    let ticked: Option<Vec<_>> = ticked
        .map(|(_, value)| value.split_once(':').filter(|(id, _)| id_unix_ms(id).is_some()))
        .collect();
    let ticked = ticked.filter(|all| all.len() <= DECISIONS_MAX).ok_or(Refusal::Malformed)?;
    let first = ticked.first().map(|(id, _)| *id).ok_or(Refusal::NoneTicked)?;
    let note = field(&sent, "note");
    let mut tally = Tally::default();
    for (id, digest) in &ticked {
        let (reviewing, reviewer) = (&signed.asked.reviewing, &signed.session.reviewer);
        let judged = reviewing.judge(reviewer, id, verdict, note, digest).await?;
        *tally.of_kind(&judged) += 1;
    }
    let from_list = field(&sent, "from") == "list";
    let back = if from_list {
        "/reviews".to_owned()
    } else if tally.own > 0 {
        return Err(Refusal::OwnCall);
    } else if tally.unknown > 0 {
        return Err(Refusal::Unknown);
    } else {
        format!("/decisions/{first}")
    };
    Ok(Redirect::to(&signed.asked.path(&format!("{back}?{}", tally.query()))))
}

/// What a verdict is given with: a note and two buttons. `id` tells the forms of a page apart.
pub fn form_fields(signed: &Signed, id: &str) -> Markup {
    let note_id = format!("note-{id}");
    html! {
        (hidden("form_token", &signed.session.form_token))
        label for=(note_id) { "Note " span.hint { "(on record, with your name)" } }
        textarea id=(note_id) name="note" rows="2" maxlength=(NOTE_CHARACTERS_MAX) {}
        div.buttons {
            button.approve type="submit" name="verdict" value="approved" { "Approve" }
            button.reject type="submit" name="verdict" value="rejected" { "Reject" }
        }
    }
}

// === impl Tally ===

impl Tally {
    /// As our own redirect tells it.
    pub fn of(page: &Page) -> Tally {
        let Page { given, stands, changed, own, unknown, .. } = *page;
        Tally { given, stands, changed, own, unknown }
    }

    fn of_kind(&mut self, judged: &Judged) -> &mut u16 {
        match judged {
            Judged::Given(_) => &mut self.given,
            Judged::Stands(_) => &mut self.stands,
            Judged::Changed => &mut self.changed,
            Judged::OwnCall => &mut self.own,
            Judged::Unknown => &mut self.unknown,
        }
    }

    fn query(self) -> String {
        let Tally { given, stands, changed, own, unknown } = self;
        [given, stands, changed, own, unknown]
            .into_iter()
            .zip(["given", "stands", "changed", "own", "unknown"])
            .filter(|(count, _)| *count > 0)
            .map(|(count, name)| format!("{name}={count}"))
            .collect::<Vec<_>>()
            .join("&")
    }

    /// What is said of it.
    pub fn render(self) -> Markup {
        let decisions = |count: u16| match count {
            1 => "1 decision".to_owned(),
            _ => format!("{count} decisions"),
        };
        let Tally { given, stands, changed, own, unknown } = self;
        html! {
            @if given > 0 {
                (notice("good", &format!("Your verdict on {} is on record.", decisions(given))))
            }
            @if stands > 0 {
                (notice("note", &format!(
                    "Your verdict on {} stood already; nothing was added.", decisions(stands)
                )))
            }
            @if changed > 0 {
                (notice("bad", &format!(
                    "{} changed since you were shown the record. No verdict was given there: look \
                     again.", decisions(changed)
                )))
            }
            @if own > 0 {
                (notice("bad", &format!(
                    "{} on your own calls: somebody else must judge them.", decisions(own)
                )))
            }
            @if unknown > 0 {
                (notice("bad", &format!("{} could not be found.", decisions(unknown))))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tally_travels_in_the_query() {
        let tally = Tally { given: 2, changed: 1, ..Tally::default() };
        assert_eq!(tally.query(), "given=2&changed=1");
        assert_eq!(Tally::default().query(), "");
        let text = tally.render().into_string();
        assert!(text.contains("Your verdict on 2 decisions is on record."), "{text}");
        assert!(text.contains("1 decision changed since"), "{text}");
    }
}
