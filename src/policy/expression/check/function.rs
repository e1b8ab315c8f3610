//! Calls of functions: their names, their arguments, and what those may cost. Knows no operators.

use super::super::functions::{DETECTORS, OWN};
use super::super::pattern::Pattern;
use super::super::term::{Node, Term};
use super::Checker;
use super::operator::carried;
use crate::policy::error::{HINTS, PatternProblem, TriggerProblem, nearest};
use crate::policy::variable::{
    FUNCTIONS, FUNCTIONS_REFUSED, Form, Function, MACROS, Type, Variable,
};

impl Checker {
    /// The type that a call gives, of an operator or of a function.
    pub fn call(
        &mut self,
        at: usize,
        name: &str,
        target: Option<&Node>,
        args: &[Node],
    ) -> Option<Type> {
        // The parser leaves a macro that is written wrongly as a call.
        if let Some((_, usage)) = MACROS.iter().find(|(known, _)| *known == name) {
            self.note(at, TriggerProblem::WrongArguments { name: name.to_owned(), usage });
            return None;
        }
        if HINTS && let Some((at, found)) = self.idiom(at, name, args) {
            self.note(at, TriggerProblem::Idiom { found });
            return None;
        }
        let target_kind = target.map(|target| self.infer(target));
        let kinds = self.infer_all(args);
        if let Some(kind) = self.operator(at, name, args, &kinds) {
            return kind;
        }
        let Some(function) = FUNCTIONS.iter().find(|function| function.name == name) else {
            self.unknown_function(at, name);
            return None;
        };
        let form = match target {
            Some(_) => Form::Method,
            None => Form::Plain,
        };
        let given: Vec<&Node> = target.into_iter().chain(args).collect();
        let kinds: Vec<Option<Type>> = target_kind.into_iter().chain(kinds).collect();
        let fits = function.form == Form::Both || function.form == form;
        if !fits || given.len() != function.takes.len() {
            let usage = function.usage;
            self.note(at, TriggerProblem::WrongArguments { name: name.to_owned(), usage });
            return Some(function.gives);
        }
        if name == "contains" && kinds.first() == Some(&Some(Type::List)) {
            self.note(at, TriggerProblem::ListContains);
            return Some(function.gives);
        }
        for ((node, kind), takes) in given.iter().zip(&kinds).zip(function.takes) {
            self.expect(node.at, name, *kind, takes, one_of(takes));
        }
        self.own(at, function, &given);
        Some(function.gives)
    }

    fn unknown_function(&mut self, at: usize, name: &str) {
        let refused = FUNCTIONS_REFUSED.iter().find(|(refused, _)| *refused == name);
        let name = name.to_owned();
        let problem = match refused {
            Some((_, instead)) => TriggerProblem::Refused { name, instead },
            None => {
                let functions = FUNCTIONS.iter().map(|function| function.name);
                let names = functions.chain(MACROS.iter().map(|row| row.0));
                let nearest = nearest(&name, names);
                TriggerProblem::UnknownFunction { name, nearest }
            }
        };
        self.note(at, problem);
    }

    /// Notes a call of a function that is not the interpreter's own, and what it would cost.
    fn own(&mut self, at: usize, function: &Function, given: &[&Node]) {
        let Some(name) = OWN.iter().find(|name| **name == function.name) else { return };
        if !self.called.names.contains(name) {
            self.called.names.push(name);
        }
        let Some(text) = given.first() else { return };
        if DETECTORS.contains(name) {
            if !self.is_fact(text) {
                let name = (*name).to_owned();
                self.note(text.at, TriggerProblem::TextComputed { name });
            }
            return;
        }
        let Some(pattern) = given.get(1) else { return };
        if let Some(variable) = self.read_in_loop(text) {
            let (function, text) = ((*name).to_owned(), variable.as_str());
            let problem = PatternProblem::InLoop { function, text };
            self.note(at, TriggerProblem::Pattern(problem));
        }
        let Term::Text(source) = &pattern.term else {
            let problem = PatternProblem::Computed { function: (*name).to_owned() };
            self.note(pattern.at, TriggerProblem::Pattern(problem));
            return;
        };
        match Pattern::compile(name, source) {
            Ok(pattern) => self.called.patterns.push(pattern),
            Err(problem) => self.note(pattern.at, TriggerProblem::Pattern(problem)),
        }
    }

    /// It is a text that stands in the exchange, rather than one that is made or written.
    fn is_fact(&self, node: &Node) -> bool {
        match &node.term {
            Term::Name(name) => self.bound(name).is_none_or(|binding| binding.of_facts),
            Term::Field { of, test: false, .. } => self.is_fact(of),
            Term::Call { name, args, .. } if name == "_[_]" => {
                args.first().is_some_and(|list| self.is_fact(list))
            }
            Term::Call { name, args, .. } if name == "_?_:_" => {
                args.iter().skip(1).all(|value| self.is_fact(value))
            }
            _ => false,
        }
    }

    /// The large text that is read anew for each item of a loop.
    fn read_in_loop(&self, node: &Node) -> Option<Variable> {
        let of_items = |name: &str| self.bound(name).and_then(|binding| binding.carries);
        match (&node.term, self.bindings.is_empty()) {
            (_, true) => None,
            (Term::Name(name), false) => of_items(name).or_else(|| carried(node)),
            (_, false) => carried(node),
        }
    }
}

/// What an argument may be, in words.
fn one_of(takes: &[Type]) -> &'static str {
    match takes {
        [one] => one.as_str(),
        [Type::Text, Type::List, Type::Map] => "a string, a list or a map",
        [Type::Text, Type::Number] => "a string or a number",
        [Type::Text, Type::Bool] => "a string or a bool",
        _ => "a string, a number or a bool",
    }
}
