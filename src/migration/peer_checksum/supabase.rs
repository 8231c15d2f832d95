//! Supabase keeps no checksum but the statements themselves (`pkg/migration/file.go`). They are compared token by token: the CLI trims
//! each statement and drops its semicolon, and what the dashboard writes is one text.

use crate::migration::TokenChecksum;

/// Returns the statements as one script. A statement may end with a comment, so each semicolon has a line of its own.
pub fn script(statements: &[String]) -> String {
    let mut script = String::new();
    for statement in statements {
        script.push_str(&statement.replace("\r\n", "\n"));
        script.push_str("\n;\n");
    }
    script
}

/// Returns what the statements hold, token by token; a file that holds the same has the same.
pub fn tokens(statements: &[String]) -> TokenChecksum {
    TokenChecksum::of(&script(statements))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(statements: &[String], text: &str) -> bool {
        tokens(statements) == TokenChecksum::of(text)
    }

    fn list(statements: &[&str]) -> Vec<String> {
        statements.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn split_by_whomever() {
        let text = "-- tenants\ncreate table t (id int); -- why\ninsert into t values (1);\n-- the end\n";
        for statements in [
            list(&[
                "-- tenants\ncreate table t (id int)",
                "-- why\ninsert into t values (1)",
                "-- the end",
            ]),
            list(&[text]),
            list(&[&text.replace('\n', "\r\n")]),
            list(&["create table t (id int) -- why", "insert into t values (1)"]),
        ] {
            assert!(matches(&statements, text), "{statements:?}");
        }
        assert!(!matches(&list(&["create table t (id int)"]), text));
        assert!(!matches(
            &list(&["create table t (id int)", "insert into t values (2)"]),
            text
        ));
        assert!(matches(&list(&["select 'a\r\nb'"]), "select 'a\nb';\n"));
    }

    #[test]
    fn bodies_hold_semicolons() {
        let text = "create function f() returns int language plpgsql as $$ begin return 1; end; $$;\n\
                    create function g() returns int begin atomic select 1; end;\n";
        let cut = list(&[
            "create function f() returns int language plpgsql as $$ begin return 1; end; $$",
            "create function g() returns int begin atomic select 1",
            "end",
        ]);
        assert!(matches(&cut, text));
        assert!(matches(&cut[..1], text.split('\n').next().unwrap()));
    }
}
