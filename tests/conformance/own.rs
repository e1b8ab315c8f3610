//! Cases of our own, for where the official ones are not at hand.

use super::case::outcome;

/// Expressions that are true.
const TRUE: &[&str] = &[
    "1 + 2 * 3 == 7",
    "7 / 2 == 3 && -7 / 2 == -3 && -7 % 3 == -1",
    "3 == 3.0 && 3u == 3 && 1 < 1.5 && 2u > 1.5",
    "'a' + 'b' == 'ab' && 'a' < 'b'",
    "'p' in {'p': 1} && !('q' in {'p': 1}) && 2 in [1, 2]",
    "true || 1 / 0 == 1",
    "1 / 0 == 1 || true",
    "!(false && 1 / 0 == 1) && !(1 / 0 == 1 && false)",
    "[1, 2, 3].map(x, x * 2) == [2, 4, 6]",
    "[1, 2, 3].filter(x, x > 1) == [2, 3]",
    "[1, 2, 3].exists(x, x == 2)",
    "![1, 2, 2].exists_one(x, x == 2)",
    "[0, 1].exists(x, 1 / x == 1)",
    "has({'a': 1}.a) && !has({'a': 1}.b)",
    "size('πέντε') == 5 && size([1, 2]) == 2 && {'a': 1}.size() == 1",
    "'foobar'.matches('o+b') && matches('foobar', '^foo') && !'foobar'.matches('^bar')",
    "'foobar'.startsWith('foo') && 'foobar'.endsWith('bar') && 'foobar'.contains('ob')",
    "int('7') == 7 && int(7.9) == 7 && double('7.5') == 7.5 && uint('7') == 7u && bool('true')",
    "string(7) == '7' && string(7.5) == '7.5' && string(true) == 'true'",
    "(1 < 2 ? 'a' : 'b') == 'a'",
    r"'a\tb\u00e9' == 'a	bé' && r'\d' == '\\d'",
];

/// Expressions that have no value.
const ERRORS: &[&str] = &[
    "1 / 0 == 1",
    "1 % 0 == 1",
    "9223372036854775807 + 1 == 0",
    "[1, 2][5] == 1",
    "{'a': 1}['b'] == 1",
    "int('x') == 1",
    "false || 1 / 0 == 1",
    "[1, 0].all(x, 1 / x == 1)",
];

#[test]
fn own_cases_come_out_as_specified() {
    for expression in TRUE {
        assert_eq!(outcome(expression), Ok("fired".to_owned()), "{expression}");
        let negated = format!("!({expression})");
        assert_eq!(outcome(&negated), Ok("not fired".to_owned()), "{negated}");
    }
    for expression in ERRORS {
        let found = outcome(expression).unwrap();
        assert!(found.starts_with("failed"), "{expression}: {found}");
    }
}
