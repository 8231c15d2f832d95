//! Key-value connection strings: `host=localhost password='it\'s'`.

use super::error::{Origin, SettingsError};
use super::foreign::{Lookup, look_up};
use super::keyword::Keyword;

/// A keyword's value as it was read.
///
/// It has no `Debug`: the value may be a password.
pub(super) struct Given {
    pub(super) keyword: Keyword,
    pub(super) value: String,
    pub(super) origin: Origin,
    /// Whether the value may be repeated in an error.
    pub(super) may_be_shown: bool,
}

/// Takes a key-value string apart, by the rules of libpq's manual ("Keyword/Value Connection Strings").
///
/// Within values, quoted or not, a backslash takes the next character literally. Warnings about keywords of other tools
/// are added to `warnings`.
pub(super) fn parse(text: &str, warnings: &mut Vec<String>) -> Result<Vec<Given>, SettingsError> {
    let mut scanner = Scanner {
        characters: text.chars().collect(),
        position: 0,
    };
    let mut found = Vec::new();
    let mut follows_secret = false;
    loop {
        scanner.skip_white_space();
        if scanner.peek().is_none() {
            return Ok(found);
        }
        let name = scanner.name()?;
        let value = scanner.value()?;
        let lookup = look_up(&name, &value, &Origin::ConnectionString, !follows_secret, warnings)?;
        follows_secret = false;
        if let Lookup::Known(keyword) = lookup {
            follows_secret = keyword.is_secret();
            found.push(Given {
                keyword,
                value,
                origin: Origin::ConnectionString,
                may_be_shown: !keyword.is_secret(),
            });
        }
    }
}

struct Scanner {
    characters: Vec<char>,
    position: usize,
}

impl Scanner {
    fn peek(&self) -> Option<char> {
        self.characters.get(self.position).copied()
    }

    fn next(&mut self) -> Option<char> {
        let character = self.peek();
        self.position += 1;
        character
    }

    fn skip_white_space(&mut self) {
        while self.peek().is_some_and(|c| c.is_ascii_whitespace()) {
            self.position += 1;
        }
    }

    /// Reads a keyword and the equals sign after it. Errors quote nothing: the word may be the second half of a password.
    fn name(&mut self) -> Result<String, SettingsError> {
        let start = self.position;
        let mut name = String::new();
        while let Some(character) = self.peek() {
            if character == '=' || character.is_ascii_whitespace() {
                break;
            }
            name.push(character);
            self.position += 1;
        }
        self.skip_white_space();
        if self.next() != Some('=') {
            return Err(SettingsError::KeyValue {
                position: start + 1,
                problem: "expected keyword=value (a value with spaces in it must be in single quotes)",
            });
        }
        if name.is_empty() {
            return Err(SettingsError::KeyValue {
                position: start + 1,
                problem: "a value without a keyword before the equals sign",
            });
        }
        Ok(name)
    }

    fn value(&mut self) -> Result<String, SettingsError> {
        self.skip_white_space();
        if self.peek() == Some('\'') {
            return self.quoted_value();
        }
        let mut value = String::new();
        while let Some(character) = self.peek() {
            if character.is_ascii_whitespace() {
                break;
            }
            self.position += 1;
            if character == '\\' {
                // A backslash at the very end stands for nothing, as in libpq.
                value.extend(self.next());
            } else {
                value.push(character);
            }
        }
        Ok(value)
    }

    fn quoted_value(&mut self) -> Result<String, SettingsError> {
        let start = self.position;
        self.position += 1;
        let mut value = String::new();
        loop {
            match self.next() {
                Some('\'') => return Ok(value),
                Some('\\') => value.extend(self.next()),
                Some(character) => value.push(character),
                None => {
                    return Err(SettingsError::KeyValue {
                        position: start + 1,
                        problem: "the single quote opened here is never closed",
                    });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pairs(text: &str) -> Vec<(&'static str, String)> {
        parse(text, &mut Vec::new())
            .unwrap_or_else(|error| panic!("{text}: {error}"))
            .into_iter()
            .map(|given| (given.keyword.name(), given.value))
            .collect()
    }

    fn refusal(text: &str) -> String {
        match parse(text, &mut Vec::new()) {
            Ok(_) => panic!("{text} was accepted"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn values_are_taken_as_libpq_takes_them() {
        for (text, expected) in [
            ("", vec![]),
            ("  ", vec![]),
            ("host=a", vec![("host", "a")]),
            ("host = a  port=1", vec![("host", "a"), ("port", "1")]),
            ("password='it\\'s'", vec![("password", "it's")]),
            ("password=a\\ b", vec![("password", "a b")]),
            ("password=it's", vec![("password", "it's")]),
            ("password='' host=b", vec![("password", ""), ("host", "b")]),
            ("password='a=b c' user='d'", vec![("password", "a=b c"), ("user", "d")]),
            ("password='a'host=b", vec![("password", "a"), ("host", "b")]),
            ("dbname=a\\\\b", vec![("dbname", "a\\b")]),
            ("dbname=a\\", vec![("dbname", "a")]),
            ("host=\nport=1", vec![("host", "port=1")]),
        ] {
            let expected: Vec<_> = expected
                .into_iter()
                .map(|(name, value)| (name, value.to_owned()))
                .collect();
            assert_eq!(pairs(text), expected, "{text}");
        }
    }

    #[test]
    fn mistakes_are_named_without_repeating_a_password() {
        for (text, words) in [
            ("host", "character 1: expected keyword=value"),
            ("password=s3cret horse host=a", "character 17: expected keyword=value"),
            ("password='s3cret", "character 10: the single quote"),
            ("=a", "a value without a keyword"),
            (
                "hots=a",
                "unknown connection keyword \"hots\" in the connection string; did you mean host?",
            ),
            ("password=s3cret horse=a", "(not shown, it follows a password)"),
        ] {
            let message = refusal(text);
            assert!(message.contains(words), "{text}: {message}");
            assert!(!message.contains("s3cret") && !message.contains("horse"), "{message}");
        }
    }

    proptest! {
        #[test]
        fn any_value_survives_quoting(value in "\\PC*") {
            let quoted = value.replace('\\', "\\\\").replace('\'', "\\'");
            prop_assert_eq!(
                pairs(&format!("password='{quoted}' host=h")),
                vec![("password", value), ("host", "h".to_owned())]
            );
        }

        #[test]
        fn no_text_panics(text in "[ =\\\\'a-z]*") {
            let _ = parse(&text, &mut Vec::new());
        }
    }
}
