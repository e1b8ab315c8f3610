//! The list of open reviews, oldest first, those of the same policies and caller together.

use std::collections::HashMap;
use std::time::Duration;

use maud::{Markup, html};

use super::asked::{Page, Signed};
use super::layout::{age, hidden, time};
use super::verdicts::{Tally, form_fields};
use crate::review::Reason;
use crate::store::listed::Listed;
use crate::store::reviews::OpenReview;

/// Reviews of one page.
pub const PAGE_ROWS: i64 = 50;

/// One page of the list.
pub struct List<'a> {
    /// Its reviews, oldest first.
    pub open: &'a [OpenReview],
    /// Their decisions.
    pub decisions: &'a HashMap<String, Listed>,
    /// More are behind it.
    pub more: bool,
    /// Where it begins.
    pub page: &'a Page,
    /// What waits for longer is overdue.
    pub max_age: Duration,
}

/// Reviews of the same policies and caller.
struct Group<'a> {
    oldest: &'a OpenReview,
    reviews: Vec<&'a OpenReview>,
}

/// [`PAGE_ROWS`] to count with.
pub fn page_rows() -> usize {
    usize::try_from(PAGE_ROWS).unwrap_or(usize::MAX)
}

// === impl List ===

impl List<'_> {
    /// The page's content.
    pub fn render(&self, signed: &Signed, tally: &Tally) -> Markup {
        let overdue = self.open.iter().filter(|review| self.is_overdue(review)).count();
        html! {
            h1 { "Open reviews" }
            (tally.render())
            @if self.open.is_empty() {
                p.empty {
                    @if self.page.after.is_some() { "Nothing more is open." }
                    @else { "Nothing is open. Every routed or held call has a verdict." }
                }
            }
            @if overdue > 0 {
                p.notice.bad {
                    strong { (overdue) } " on this page " (if overdue == 1 { "is" } else { "are" })
                    " overdue: open for more than " (age(self.max_age.as_secs_f64())) "."
                }
            }
            @for (at, group) in groups(self.open).iter().enumerate() {
                (self.group(signed, group, at + 1))
            }
            (self.paging(signed))
        }
    }

    fn group(&self, signed: &Signed, group: &Group, number: usize) -> Markup {
        let Group { oldest, reviews } = group;
        let first = &oldest.decision_id;
        let all = self.page.select.as_ref() == Some(first);
        let after = self.page.after.as_ref().map(|after| format!("after={after}&"));
        let select = format!("/reviews?{}select={first}#group-{number}", after.unwrap_or_default());
        let heading = format!("heading-{number}");
        html! {
            section.group id=(format!("group-{number}")) aria-labelledby=(heading) {
                div.group-head {
                    h2 id=(heading) {
                        @for policy in &oldest.policies { code { (policy) } " " }
                        span.caller { "by " (oldest.caller.as_deref().unwrap_or("nobody known")) }
                    }
                    p.meta {
                        strong.count { (reviews.len()) } " open, oldest "
                        (age(oldest.age_seconds))
                        @if self.is_overdue(oldest) { " " span.tag.bad { "overdue" } }
                    }
                }
                form method="post" action=(signed.asked.path("/verdicts")) {
                    (hidden("from", "list"))
                    table.rows {
                        caption.unseen { "Reviews of group " (number) }
                        thead {
                            tr {
                                th scope="col" { span.unseen { "Ticked" } }
                                th scope="col" { "Decision" }
                                th scope="col" { "Open for" }
                                th scope="col" { "Model" }
                                th scope="col" { "Outcome" }
                                th scope="col" { "Categories" }
                                th.number scope="col" { "Confidence" }
                            }
                        }
                        tbody {
                            @for review in reviews { (self.row(signed, review, all)) }
                        }
                    }
                    div.verdict {
                        @if reviews.len() > 1 {
                            p.hint {
                                a href=(signed.asked.path(&select)) { "Tick all of this group" }
                                "; each ticked decision gets a verdict of its own."
                            }
                        }
                        (form_fields(signed, &number.to_string()))
                    }
                }
            }
        }
    }

    fn row(&self, signed: &Signed, review: &OpenReview, ticked: bool) -> Markup {
        let id = &review.decision_id;
        let decision = self.decisions.get(id);
        let own = signed.session.reviewer.is_caller(review.caller.as_deref());
        let outcome = decision.and_then(|decision| decision.outcome.as_ref());
        let intent = decision.and_then(|decision| decision.intent.as_ref());
        let model = outcome.map(|o| &o.model).or(intent.map(|i| &i.model));
        html! {
            tr {
                td.tick {
                    @if let Some(decision) = decision.filter(|_| !own) {
                        input type="checkbox" name="decision" checked[ticked]
                            value=(format!("{id}:{}", decision.digest))
                            aria-label=(format!("Judge {id}"));
                    }
                }
                td data-label="Decision" {
                    a.id href=(signed.asked.path(&format!("/decisions/{id}"))) { (id) }
                }
                td data-label="Open for" {
                    (age(review.age_seconds))
                    @if own { " " span.tag { "your own" } }
                    @if review.reason == Reason::Held { " " span.tag.note { "held" } }
                    @if self.is_overdue(review) { " " span.tag.bad { "overdue" } }
                }
                td data-label="Model" { (model.map_or("unknown", String::as_str)) }
                td data-label="Outcome" {
                    (outcome.map_or("under way", |outcome| outcome.outcome.as_str()))
                }
                td data-label="Categories" {
                    (outcome.map_or("–".to_owned(), |o| none_or(&o.categories)))
                }
                td.number data-label="Confidence" {
                    (outcome.and_then(|o| o.confidence).map_or("–".to_owned(), |c| c.to_string()))
                }
            }
        }
    }

    fn is_overdue(&self, review: &OpenReview) -> bool {
        review.age_seconds > self.max_age.as_secs_f64()
    }

    fn paging(&self, signed: &Signed) -> Markup {
        let last = self.open.last().filter(|_| self.more);
        html! {
            @if last.is_some() || self.page.after.is_some() {
                nav.paging aria-label="Parts of the list" {
                    @if self.page.after.is_some() {
                        a href=(signed.asked.path("/reviews")) { "Back to the oldest" }
                    }
                    @if let Some(last) = last {
                        @let path = format!("/reviews?after={}", last.decision_id);
                        a href=(signed.asked.path(&path)) {
                            "Next, opened after " (time(last.opened_at))
                        }
                    }
                }
            }
        }
    }
}

/// Grouped by policies and caller, by the oldest of each.
fn groups(open: &[OpenReview]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group> = Vec::new();
    for review in open {
        let same = |group: &&mut Group| {
            group.oldest.policies == review.policies && group.oldest.caller == review.caller
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.reviews.push(review),
            None => groups.push(Group { oldest: review, reviews: vec![review] }),
        }
    }
    groups
}

/// Words of a list.
pub fn none_or(words: &[String]) -> String {
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}
