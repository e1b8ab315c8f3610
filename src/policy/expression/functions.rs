//! The functions that are not the interpreter's own. Each looks through facts as they are; what it
//! finds in a text is kept for the judgement, so that many triggers cost no more than one.

#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};

use cel_interpreter::common::types::{CelBool, CelList, CelString};
use cel_interpreter::common::value::{CowVal, Val};
use cel_interpreter::{Context, ExecutionError, FunctionContext};

use super::pattern::Pattern;
use crate::detect::{self, Kind};
use crate::llm::pinning::Pinning;
use crate::policy::names::Names;
use crate::policy::variable::Variable;

/// What the functions know of one judgement beyond their arguments.
#[derive(Debug)]
pub struct Findings {
    names: Arc<Names>,
    provider: &'static str,
    /// What was found in a text of the facts, by where it lies in memory.
    kinds: Mutex<Vec<(usize, usize, Vec<Kind>)>>,
    /// Whether a pattern matches a long one: by the places of both, for a trigger on `category` is
    /// evaluated for each that a client names.
    matched: Mutex<Vec<(Place, bool)>>,
}

/// Where a pattern lies, where a text does, and its length.
type Place = (usize, usize, usize);

/// A shorter text is matched again as fast as it is looked up.
const MATCHED_BYTES_MIN: usize = 1024;

/// The functions that an expression calls, and what it calls them with.
#[derive(Debug, Default)]
pub struct Called {
    /// Names of functions from [`OWN`].
    pub names: Vec<&'static str>,
    /// The patterns of `matches` and `glob`.
    pub patterns: Vec<Pattern>,
}

/// All there are.
pub const OWN: &[&str] =
    &["matches", "glob", "contains_pii", "pii_kinds", "contains_secret", "is_pinned"];

/// The functions that look through a text for personal data and secrets.
pub const DETECTORS: &[&str] = &["contains_pii", "pii_kinds", "contains_secret"];

type Answer<'b, 'v> = Result<CowVal<'b, 'v>, ExecutionError>;
type Own = Box<dyn for<'b, 'v> Fn(&mut FunctionContext<'b, 'v>) -> Answer<'b, 'v> + Send + Sync>;

/// Makes the functions that are called known to the interpreter.
pub fn add(context: &mut Context, called: &Arc<Called>, findings: &Arc<Findings>) {
    for name in &called.names {
        let (called, findings) = (Arc::clone(called), Arc::clone(findings));
        let own: Own = match *name {
            "matches" | "glob" => Box::new(move |call| called.matches(call, &findings)),
            "is_pinned" => Box::new(move |call| findings.is_pinned(call)),
            _ => Box::new(move |call| findings.detect(call)),
        };
        // It fails for a name that the interpreter has itself, and it has none of these.
        let _ = context.add_function(name, own);
    }
}

// === impl Called ===

impl Called {
    fn matches<'b, 'v>(
        &self,
        call: &FunctionContext<'b, 'v>,
        findings: &Findings,
    ) -> Answer<'b, 'v> {
        let (text, source) = match (&call.this, call.args.as_slice()) {
            (Some(this), [source]) => (text(call, this)?, text(call, source)?),
            (None, [first, source]) => (text(call, first)?, text(call, source)?),
            _ => return Err(miscalled(call)),
        };
        let is_glob = call.name == "glob";
        let mut patterns = self.patterns.iter();
        let pattern =
            patterns.find(|one| one.is_glob() == is_glob && one.source() == source.inner());
        let pattern = pattern.ok_or_else(|| miscalled(call))?;
        Ok(CowVal::owned(CelBool::from(findings.matches(pattern, text))))
    }
}

// === impl Findings ===

impl Findings {
    /// Nothing was looked through yet.
    pub fn new(names: &Arc<Names>, provider: &'static str) -> Arc<Self> {
        let names = Arc::clone(names);
        Arc::new(Findings { names, provider, kinds: Mutex::default(), matched: Mutex::default() })
    }

    fn is_pinned<'b, 'v>(&self, call: &FunctionContext<'b, 'v>) -> Answer<'b, 'v> {
        let model = text(call, call.args.first().ok_or_else(|| miscalled(call))?)?;
        match self.names.judge(model.inner(), Some(self.provider)).pinning {
            Pinning::Pinned => Ok(CowVal::owned(CelBool::from(true))),
            Pinning::Floating => Ok(CowVal::owned(CelBool::from(false))),
            // The same as a variable that nobody knows.
            Pinning::Unknown => {
                Err(ExecutionError::undeclared_reference(Variable::ModelPinned.as_str()))
            }
        }
    }

    fn detect<'b, 'v>(&self, call: &FunctionContext<'b, 'v>) -> Answer<'b, 'v> {
        let text = text(call, call.args.first().ok_or_else(|| miscalled(call))?)?;
        let kinds = self.kinds(text);
        let mut personal = kinds.iter().filter(|kind| **kind != Kind::Secret);
        Ok(match call.name {
            "contains_secret" => CowVal::owned(CelBool::from(kinds.contains(&Kind::Secret))),
            "contains_pii" => CowVal::owned(CelBool::from(personal.next().is_some())),
            _ => {
                let words = personal.map(|kind| CelString::from(kind.as_str()));
                let words = words.map(|word| Box::new(word) as Box<dyn Val + 'v>);
                CowVal::owned(CelList::from(words.collect::<Vec<_>>()))
            }
        })
    }

    /// Whether the pattern matches the text, looked for once where that takes time.
    fn matches(&self, pattern: &Pattern, text: &CelString) -> bool {
        // As in `kinds`.
        let lent = text.as_borrowed().filter(|lent| lent.len() >= MATCHED_BYTES_MIN);
        let Some(lent) = lent else { return pattern.matches(text.inner()) };
        let place = (std::ptr::from_ref(pattern).addr(), lent.as_ptr().addr(), lent.len());
        let mut known = self.matched.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, matches)) = known.iter().find(|one| one.0 == place) {
            return *matches;
        }
        let matches = pattern.matches(lent);
        known.push((place, matches));
        matches
    }

    /// What the text holds, looked for once.
    fn kinds(&self, text: &CelString) -> Vec<Kind> {
        // Only what the facts or the policy lend stays where it is for as long as a judgement.
        let Some(lent) = text.as_borrowed() else { return detect::kinds(text.inner()) };
        let (start, length) = (lent.as_ptr().addr(), lent.len());
        let mut known = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known.iter().find(|one| (one.0, one.1) == (start, length));
        if let Some((_, _, kinds)) = found {
            return kinds.clone();
        }
        let kinds = detect::kinds(lent);
        known.push((start, length, kinds.clone()));
        kinds
    }
}

/// The check at load lets no such call through.
fn miscalled(call: &FunctionContext) -> ExecutionError {
    ExecutionError::no_such_overload(call.name, Vec::new())
}

/// An argument that is a text.
fn text<'c, 'v>(
    call: &FunctionContext<'_, 'v>,
    value: &'c CowVal<'_, 'v>,
) -> Result<&'c CelString<'v>, ExecutionError> {
    value.downcast_ref::<CelString>().ok_or_else(|| miscalled(call))
}
