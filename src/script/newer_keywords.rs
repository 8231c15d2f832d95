//! Names that only newer servers put into quotes.

use std::borrow::Cow;

use super::{TokenKind, tokens};

/// Words that became keywords after 13, and not of the unreserved sort: from then on `quote_ident` and all that prints SQL quotes them as
/// names (`src/include/parser/kwlist.h` of 13 to 18).
const WORDS: [&str; 13] = [
    "\"json\"",
    "\"json_array\"",
    "\"json_arrayagg\"",
    "\"json_exists\"",
    "\"json_object\"",
    "\"json_objectagg\"",
    "\"json_query\"",
    "\"json_scalar\"",
    "\"json_serialize\"",
    "\"json_table\"",
    "\"json_value\"",
    "\"merge_action\"",
    "\"system_user\"",
];

/// Returns SQL as a server of 13 prints it: without quotes around names that later became keywords. What is inside a string stays.
pub fn without_newer_quotes(text: &str) -> Cow<'_, str> {
    // Most texts have no quotes at all, which is seen at once.
    if !text.contains('"') || !WORDS.iter().any(|word| text.contains(word)) {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    for token in tokens(text) {
        let word = token.span.slice(text);
        let is_newer = token.kind == TokenKind::QuotedIdent && WORDS.contains(&word);
        plain.push_str(if is_newer { word.trim_matches('"') } else { word });
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_lose_their_quotes() {
        let cases = [
            ("a.\"json\" \"select\"", "a.json \"select\""),
            ("'{\"json\": 1}' || \"json_value\"", "'{\"json\": 1}' || json_value"),
            ("\"my \"\"json\"\"\"", "\"my \"\"json\"\"\""),
            ("json", "json"),
        ];
        for (text, expected) in cases {
            assert_eq!(without_newer_quotes(text), expected);
        }
    }
}
