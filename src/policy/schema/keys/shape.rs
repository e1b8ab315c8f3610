//! What is said of a key: its name for the reader, and the rest for the JSON Schema.

/// A key of a mapping.
pub struct Key {
    pub name: &'static str,
    /// Its mapping may not be without it.
    pub required: bool,
    /// What the reader does not need to know; the filter goes without.
    #[cfg(not(target_os = "wasi"))]
    pub described: Described,
}

/// What a JSON Schema says of a key.
#[cfg(not(target_os = "wasi"))]
#[derive(Clone, Copy)]
pub struct Described {
    pub shape: Shape,
    /// As JSON; a word stands for itself. None where an absent key differs from every value.
    pub default: Option<&'static str>,
    pub about: &'static str,
}

/// What a key may hold.
#[derive(Clone, Copy)]
pub enum Shape {
    /// A text of 1 to `max` characters. A number or a date is its text.
    Text { max: usize },
    /// The same of letters, digits, `_`, `-` and `.` alone.
    Name { max: usize },
    /// One of the words of a table.
    Word(&'static dyn Words),
    /// A list of different words of a table; absent, it has them all.
    AnyOf(&'static dyn Words),
    /// A whole number from 0.
    Number { max: usize },
    /// A time by RFC 3339, or nothing.
    Time,
    /// A list of at least `min` different names of models.
    Models { min: usize },
    /// The writer's own names, each of a model.
    ModelsByName,
    /// `true` or `false`.
    Flag,
    /// This value alone, as JSON; a word stands for itself.
    Only(&'static str),
    /// A number from 0 to 1.
    Share,
    /// A span of time such as `24h`, in minutes, hours or days.
    Span,
    /// The name of a category.
    Category,
    /// A list of different ones.
    Categories { max: usize },
    /// A list of 1 to `max` phrases.
    Phrases { max: usize, characters: usize },
    /// The name of an environment variable, or an empty text.
    Variable { max: usize },
    /// A mapping.
    Mapping(&'static [Key]),
    /// A list of mappings.
    Entries(&'static [Key]),
    /// A list of mappings that a later version fills.
    NoEntries(&'static [Key]),
}

/// A table of words, whatever they stand for.
pub trait Words: Sync {
    /// In the order in which a message names them.
    fn names(&self) -> Vec<&'static str>;
}

/// Names of the keys that a mapping may not be without.
pub fn required(keys: &'static [Key]) -> impl Iterator<Item = &'static str> {
    keys.iter().filter(|key| key.required).map(|key| key.name)
}

/// What the reader knows a key by.
pub trait Named {
    /// The key as it is written.
    fn name(&self) -> &'static str;
}

pub const fn key(name: &'static str, shape: Shape, about: &'static str) -> Key {
    Key {
        name,
        required: false,
        #[cfg(not(target_os = "wasi"))]
        described: Described { shape, default: None, about },
    }
}

// === impl Key ===

impl Key {
    pub const fn required(self) -> Key {
        Key { required: true, ..self }
    }

    /// Absent, it holds this.
    pub const fn or(self, default: &'static str) -> Key {
        Key {
            #[cfg(not(target_os = "wasi"))]
            described: Described { default: Some(default), ..self.described },
            ..self
        }
    }
}

// === impl Words ===

impl<T: Sync> Words for &'static [(&'static str, T)] {
    fn names(&self) -> Vec<&'static str> {
        self.iter().map(|(word, _)| *word).collect()
    }
}

// === impl Named ===

impl Named for Key {
    fn name(&self) -> &'static str {
        self.name
    }
}

impl Named for &'static str {
    fn name(&self) -> &'static str {
        self
    }
}
