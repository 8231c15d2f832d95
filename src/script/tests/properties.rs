//! Properties that hold for every text.

use proptest::prelude::*;

use super::holds::{normal_form_holds, split_holds, triage_holds};
use crate::script::{Token, TokenKind, Triage, hash_tokens, tokens, triage};

/// Bits of SQL, most of them chosen to trip a lexer.
#[rustfmt::skip]
const BITS: &[&str] = &[
    "'", "''", "'a;b'", "'a", "E'\\''", "e'\\\\'", "E'", "N'x'", "B'1'", "x'1f'", "U&'\\0041'", "u&\"a\"", "\"", "\"q;\"",
    "\"\"", "$$", "$a$", "$b$", "$a$;$b$;$a$", "$1", "$1a", "$", "a$b$", "$\u{e4}$", "--", "-- c\n", "--\r", "/*", "*/", "/* x */",
    "/* /* */ */", "/", "*", ";", ";;", "(", ")", "[", "]", "begin", "BEGIN ATOMIC ", "atomic", "end", "case", "as", ".",
    "create function f() ", "create or replace procedure p() ", "create ", "copy t from stdin;", "COPY t (a) FROM STDIN WITH (x);\n",
    "copy", "from", "stdin", "\\.", "\n\\.\n", "\\.\r\n", "\n", "\r\n", "\r", " ", "\t", "\\gexec", "\\;", "\\echo 'x", "\u{feff}",
    "\0", "\u{e4}", "\u{a0}", "::", ":=", "..", "<-", "+", "-", "@-", "%", "1", "1.5e-3", ".5", "1..2", "0x1F", "1_000", "select",
];

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(BITS), 0..24).prop_map(|bits| bits.concat())
}

fn normal_form(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    hash_tokens(text, &mut |block| bytes.extend_from_slice(block));
    bytes
}

/// Tokens that keep their meaning when blanks stand between them.
#[rustfmt::skip]
const WORDS: &[&str] = &[
    "select", "Alter", "t", "\"T\"", "\"t\"", "'a'", "'a''b'", "'A'", "e'\\n'", "$$x$$", "$a$x$a$", "1", "1.5", "+", "-", "<", "<=", "->>",
    "@", "()", "[", ",", ".", "::", "$1", "\u{e4}", "n'x'", "u&'x'",
];

#[rustfmt::skip]
const BLANKS: &[&str] = &[" ", "\t ", " /* ; ' */ ", "/*/**/*/", " -- '\n ", "\n", " \n\n"];

fn words() -> impl Strategy<Value = Vec<&'static str>> {
    prop::collection::vec(prop::sample::select(WORDS), 1..12)
}

fn is_string(word: &str) -> bool {
    word.ends_with('\'')
}

/// Joins words with blanks. Between two strings there is only a space: with a line end they would be one string.
fn join(words: &[&str], blanks: &[&str]) -> String {
    let mut text = String::new();
    for (at, word) in words.iter().enumerate() {
        if at > 0 {
            let between_strings = is_string(words[at - 1]) && is_string(word);
            text += if between_strings {
                " "
            } else {
                blanks[at % blanks.len()]
            };
        }
        text += word;
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pieces_concatenate_to_the_text(text in text()) {
        prop_assert_eq!(split_holds(&text), Ok(()));
    }

    #[test]
    fn pieces_of_arbitrary_characters_concatenate_too(text in any::<String>()) {
        prop_assert_eq!(split_holds(&text), Ok(()));
    }

    #[test]
    fn tokens_have_no_gaps(text in text()) {
        let mut end = 0;
        for Token { span, .. } in tokens(&text) {
            prop_assert_eq!(span.start, end);
            prop_assert!(span.end > span.start && text.is_char_boundary(span.end));
            end = span.end;
        }
        prop_assert_eq!(end, text.len());
    }

    #[test]
    fn tokens_are_those_of_the_server(text in text()) {
        // The scanner of version 18 refuses what earlier ones took apart, and it knows neither NUL nor psql.
        let ours: Vec<Token> = tokens(&text).collect();
        let odd = |token: &Token| match token.kind {
            TokenKind::MetaCommand | TokenKind::Other | TokenKind::Unterminated(_) => true,
            TokenKind::Param | TokenKind::Number => token.span.slice(&text).contains(|c: char| !c.is_ascii() || c.is_alphabetic() || c == '_'),
            _ => false,
        };
        let comparable = !text.starts_with('\u{feff}') && !ours.iter().any(odd);
        if let (true, Ok(theirs)) = (comparable, pg_query::scan(&text)) {
            let theirs: Vec<(usize, usize)> = theirs
                .tokens
                .iter()
                .map(|token| (usize::try_from(token.start).unwrap(), usize::try_from(token.end).unwrap()))
                .collect();
            prop_assert_eq!(merged(&ours, &text), theirs);
        }
    }

    #[test]
    fn normal_form_ignores_blanks_and_case(words in words(), blanks in prop::collection::vec(prop::sample::select(BLANKS), 1..5)) {
        let plain = join(&words, &[" "]);
        let upper: Vec<String> = words
            .iter()
            .map(|word| if word.starts_with(|c: char| c.is_ascii_alphabetic()) && !is_string(word) { word.to_uppercase() } else { (*word).to_owned() })
            .collect();
        let upper: Vec<&str> = upper.iter().map(String::as_str).collect();
        let wide = format!("\u{feff};{};  -- end", join(&upper, &blanks));
        prop_assert_eq!(normal_form(&plain), normal_form(&wide), "{} and {}", plain, wide);
    }

    #[test]
    fn normal_form_tells_different_words_apart(one in words(), other in words()) {
        let fold = |words: &[&str]| words.iter().map(|word| if is_string(word) || word.starts_with('"') { (*word).to_owned() } else { word.to_lowercase() }).collect::<Vec<_>>();
        prop_assert_eq!(fold(&one) == fold(&other), normal_form(&join(&one, &[" "])) == normal_form(&join(&other, &[" "])));
    }

    #[test]
    fn normal_form_is_total(text in text()) {
        prop_assert_eq!(normal_form_holds(&text), Ok(()));
    }

    #[test]
    fn classify_and_triage_are_total(text in text()) {
        prop_assert_eq!(triage_holds(&text), Ok(()));
    }

    #[test]
    fn triage_says_nothing_that_classify_denies(statement in statement()) {
        prop_assert_eq!(triage_holds(&statement), Ok(()));
    }
}

/// Returns our tokens as the server's scanner counts them: a string that goes on in a later line is one token, and so
/// is the whitespace-free text of any other; white space is none.
fn merged(ours: &[Token], text: &str) -> Vec<(usize, usize)> {
    let mut all: Vec<(usize, usize)> = Vec::new();
    for token in ours {
        match token.kind {
            TokenKind::Space => {}
            TokenKind::StringContinued => {
                // Line comments inside a string that goes on are no tokens of their own.
                while all.last().is_some_and(|&(start, _)| text[start..].starts_with("--")) {
                    all.pop();
                }
                if let Some(last) = all.last_mut() {
                    last.1 = token.span.end;
                }
            }
            TokenKind::String if matches!(text.as_bytes()[token.span.start], b'n' | b'N') => {
                all.push((token.span.start, token.span.start + 1));
                all.push((token.span.start + 1, token.span.end));
            }
            _ => all.push((token.span.start, token.span.end)),
        }
    }
    all
}

#[rustfmt::skip]
const EXPRESSIONS: &[&str] = &[
    "1", "x", "'a'", "f(x)", "F (x)", "s.f(x)", "\"f\"(x)", "pg_catalog.set_config('a', 'b', false)", "set_config('a', 'b', true)",
    "now()", "lower(x)", "count(*) over (order by f(x))", "count(*) filter (where f(x))", "key(x)", "over(x)", "filter(x)",
    "left(x, 1)", "join(x)", "coalesce(x, 1)", "coalesce(f(x), 1)", "case when x then f(x) end", "x in (1, 2)", "(x).f", "(f(x)).y",
    "array[f(x)]", "array(select f(x))", "x::varchar(10)", "treat(x as f)", "cast(x as numeric(1, 2))", "x operator(pg_catalog.+) over(x)", "s.lower(x)",
    "(select f(x))", "exists (select 1)", "nextval('s')", "pg_advisory_lock(1)", "character varying(x)", "varying(x)", "conflict(x)",
    "/**/f/**/(x)", "f\n--\n(x)", "interval '1' day",
];

#[rustfmt::skip]
const TEMPLATES: &[&str] = &[
    "select {}", "select distinct on (x) {} from t", "select (1) {}", "select {} into t", "select {} into temp t", "select * from {} as q",
    "select * from t join u on {}", "select 1 where {}", "values ({})", "with q as (select {}) select * from q",
    "with q as (insert into t (a) values ({}) returning {}) select 1", "with q(a) as (select {}) update t set x = {}",
    "insert into t values ({})", "insert into s.t (a, b) values (1, {})", "insert into \"s\".\"t\" (a) select {}", "insert into t select {} from u",
    "insert into t (a) values (1) on conflict (a) do update set x = {}", "update t set x = {}", "update t set (x, y) = (1, {})",
    "update pg_settings set setting = 'x'", "update \"pg_settings\" set setting = 'x'", "delete from t where {}", "delete from t using u returning {}",
    "alter table t add column x int default {}", "alter table t add column x int references u (y) default {}",
    "alter table t add constraint c check ({})", "alter table t add primary key (x), add check ({})", "alter table t alter column x type int using {}",
    "alter table t add foreign key (x) references s.u (y)", "alter table t add column c character varying(10) default {}",
    "alter table p detach partition q concurrently", "alter table p detach partition q", "alter table t set (fillfactor = 70)",
    "alter type e add value 'x'", "alter type e rename value 'x' to 'y'", "create table t (x int default {})", "create table t as select {}",
    "create table t (a) as select {}", "create table t as execute p", "create table pg_temp.t (x int)", "create table PG_TEMP_3.t (x int)",
    "create table u&\"\\0070g_temp\".t (x int)", "create temp table t (x int)", "create view v as select {}", "create view pg_temp.v as select {}",
    "create or replace temp view v as select {}", "create index i on t ({})", "create index concurrently i on t (x)", "create unique index concurrently on t (x)",
    "drop index concurrently i", "drop index i", "create schema s create temp table t (x int)", "create schema s",
    "create function f(x int default {}) returns int set search_path = pg_temp language sql as 'select 1'",
    "create function pg_temp.f() returns int language sql as 'select 1'", "create policy p on t using ({})", "create rule r as on insert to t do (select {}; select {})",
    "create sequence pg_temp.s", "comment on table t is 'set role x'", "truncate t", "grant select on t to r", "merge into t using u on {} when matched then delete",
];

fn statement() -> impl Strategy<Value = String> {
    let expression = prop::sample::select(EXPRESSIONS);
    (
        prop::sample::select(TEMPLATES),
        prop::collection::vec(expression, 1..4),
        any::<bool>(),
    )
        .prop_map(|(template, expressions, upper)| {
            let text = template.replace("{}", &expressions.join(" + "));
            if upper { text.to_uppercase() } else { text }
        })
}

#[test]
fn triage_agrees_with_classify_on_every_single_expression() {
    let mut plain = 0;
    for template in TEMPLATES {
        for expression in EXPRESSIONS {
            let statement = template.replace("{}", expression);
            triage_holds(&statement).unwrap();
            plain += usize::from(triage(&statement) == Triage::Plain);
        }
    }
    assert!(plain > 700, "triage is of use: {plain}");
}

#[test]
fn triage_agrees_with_classify_on_the_statements_of_the_other_tests() {
    for row in include_str!("locks.tsv").split('\n') {
        triage_holds(row.split('\t').next().unwrap_or_default()).unwrap();
    }
}
