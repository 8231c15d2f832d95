//! Quoting, byte for byte as the server does it.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use rlsctl::pg::ident::{Ident, Literal};

use super::surroundings::{open, runtime, server};

#[tokio::test]
async fn every_key_word_of_the_server_is_quoted_as_it_quotes_it() {
    let session = open(&format!("{} user=trusted", server().tcp())).await;
    let words = session
        .ask("select word, pg_catalog.quote_ident(word) from pg_catalog.pg_get_keywords()")
        .await
        .unwrap();
    assert!(words.len() > 400);
    for columns in words {
        let [Some(word), Some(quoted)] = &columns[..] else {
            panic!("{columns:?}");
        };
        // A word that an older server does not know yet is not among these, so there is no exception to make.
        assert_eq!(Ident::new(word.as_str()).unwrap().to_string(), *quoted);
    }
}

#[test]
fn any_text_is_quoted_as_the_server_quotes_it() {
    let runtime = runtime();
    let session = runtime.block_on(open(&format!("{} user=trusted", server().tcp())));
    let mut runner = TestRunner::new(Config::with_cases(64));
    // Many at once: a round trip each would be most of the time.
    let texts = prop::collection::vec(
        "[a-z_]{1,12}|[\\\\'\"a-zA-Z0-9_$. é\u{1F600}\n-]{1,20}|[^\u{0}]{1,20}",
        32,
    );
    runner
        .run(&texts, |texts| {
            let columns: Vec<String> = texts
                .iter()
                .map(|text| {
                    let literal = Literal::new(text).unwrap();
                    format!("pg_catalog.quote_ident({literal}), pg_catalog.quote_literal({literal}), {literal}")
                })
                .collect();
            for conforming in ["on", "off"] {
                let sql = format!(
                    "set standard_conforming_strings = {conforming}; set escape_string_warning = off; select {}",
                    columns.join(", ")
                );
                let rows = runtime.block_on(session.ask(&sql)).unwrap();
                for (text, answer) in texts.iter().zip(rows[0].chunks(3)) {
                    prop_assert_eq!(
                        answer[0].clone().unwrap(),
                        Ident::new(text.as_str()).unwrap().to_string()
                    );
                    prop_assert_eq!(answer[1].clone().unwrap(), Literal::new(text).unwrap().to_string());
                    prop_assert_eq!(answer[2].as_ref().unwrap(), text);
                }
            }
            Ok(())
        })
        .unwrap();
}
