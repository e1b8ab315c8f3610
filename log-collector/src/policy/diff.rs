//! What changed between two texts, as `diff -u` shows it.

use similar::TextDiff;

/// Lines shown around a change, as `diff -u` does.
const CONTEXT_LINES: usize = 3;

/// Nothing where the two are the same. Bytes that are no UTF-8 show as replacement characters.
pub fn unified(old: (&str, &[u8]), new: (&str, &[u8]), colours: bool) -> String {
    let (old_text, new_text) = (String::from_utf8_lossy(old.1), String::from_utf8_lossy(new.1));
    let diff = TextDiff::from_lines(old_text.as_ref(), new_text.as_ref());
    let text = diff.unified_diff().context_radius(CONTEXT_LINES).header(old.0, new.0).to_string();
    if colours { text.split_inclusive('\n').map(coloured).collect() } else { text }
}

/// As git colours it.
fn coloured(line: &str) -> String {
    let code = match line.as_bytes() {
        [b'-', b'-', b'-', b' ', ..] | [b'+', b'+', b'+', b' ', ..] => "1",
        [b'-', ..] => "31",
        [b'+', ..] => "32",
        [b'@', ..] => "36",
        _ => return line.to_owned(),
    };
    let (text, end) = line.strip_suffix('\n').map_or((line, ""), |text| (text, "\n"));
    format!("\x1b[{code}m{text}\x1b[m{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn change_shows_as_a_unified_diff() {
        let (old, new) = (b"a: 1\nb: 2\nc: 3\n", b"a: 1\nb: 4\nc: 3");
        let plain = unified(("x", old), ("y", new), false);
        let expected = "--- x\n+++ y\n@@ -1,3 +1,3 @@\n a: 1\n-b: 2\n-c: 3\n+b: 4\n+c: 3\n\
            \\ No newline at end of file\n";
        assert_eq!(plain, expected);
        let shown = unified(("x", old), ("y", new), true);
        assert!(shown.starts_with("\x1b[1m--- x\x1b[m\n\x1b[1m+++ y\x1b[m\n\x1b[36m@@"), "{shown}");
        assert!(shown.contains("\n a: 1\n\x1b[31m-b: 2\x1b[m\n"), "{shown}");
        assert_eq!(unified(("x", old), ("x", old), true), "");
    }
}
