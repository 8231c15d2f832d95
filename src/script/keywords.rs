//! The server's keywords, as far as they are not free to be names.

/// Says whether an identifier has to stand in quotes, by the rule of the server's `quote_ident`.
pub(super) fn needs_quotes(name: &str) -> bool {
    let plain = name
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    let starts_well = name.bytes().next().is_some_and(|b| !b.is_ascii_digit());
    !plain || !starts_well || KEYWORDS.binary_search(&name).is_ok()
}

/// The keywords of `PostgreSQL` 18 that are not unreserved (manual, appendix C). No earlier version, from 13
/// on, has one that is missing here.
#[rustfmt::skip]
const KEYWORDS: &[&str] = &[
    "all", "analyse", "analyze", "and", "any", "array", "as", "asc", "asymmetric", "authorization", "between",
    "bigint", "binary", "bit", "boolean", "both", "case", "cast", "char", "character", "check", "coalesce",
    "collate", "collation", "column", "concurrently", "constraint", "create", "cross", "current_catalog",
    "current_date", "current_role", "current_schema", "current_time", "current_timestamp", "current_user",
    "dec", "decimal", "default", "deferrable", "desc", "distinct", "do", "else", "end", "except", "exists",
    "extract", "false", "fetch", "float", "for", "foreign", "freeze", "from", "full", "grant", "greatest",
    "group", "grouping", "having", "ilike", "in", "initially", "inner", "inout", "int", "integer",
    "intersect", "interval", "into", "is", "isnull", "join", "json", "json_array", "json_arrayagg",
    "json_exists", "json_object", "json_objectagg", "json_query", "json_scalar", "json_serialize",
    "json_table", "json_value", "lateral", "leading", "least", "left", "like", "limit", "localtime",
    "localtimestamp", "merge_action", "national", "natural", "nchar", "none", "normalize", "not", "notnull",
    "null", "nullif", "numeric", "offset", "on", "only", "or", "order", "out", "outer", "overlaps", "overlay",
    "placing", "position", "precision", "primary", "real", "references", "returning", "right", "row",
    "select", "session_user", "setof", "similar", "smallint", "some", "substring", "symmetric", "system_user",
    "table", "tablesample", "then", "time", "timestamp", "to", "trailing", "treat", "trim", "true", "union",
    "unique", "user", "using", "values", "varchar", "variadic", "verbose", "when", "where", "window", "with",
    "xmlattributes", "xmlconcat", "xmlelement", "xmlexists", "xmlforest", "xmlnamespaces", "xmlparse",
    "xmlpi", "xmlroot", "xmlserialize", "xmltable",
];

/// Says whether a keyword is one that cannot be the name of a function, nor stand for a call of one that its argument
/// picks, as in `TREAT(x AS type)`.
pub(super) fn never_names_a_function(word: &str) -> bool {
    KEYWORDS.binary_search(&word).is_ok() && word != "treat" && !NAMES_OF_FUNCTIONS_OR_TYPES.contains(&word)
}

/// The keywords that the manual calls reserved, but able to be names of functions or types.
#[rustfmt::skip]
const NAMES_OF_FUNCTIONS_OR_TYPES: [&str; 23] = [
    "authorization", "binary", "collation", "concurrently", "cross", "current_schema", "freeze", "full", "ilike", "inner",
    "is", "isnull", "join", "left", "like", "natural", "notnull", "outer", "overlaps", "right", "similar", "tablesample",
    "verbose",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_agrees_with_the_grammar() {
        assert!(KEYWORDS.is_sorted(), "binary search needs order");
        for word in KEYWORDS {
            let tokens = pg_query::scan_tokens(word).unwrap();
            assert!(
                tokens[0].keyword_kind > 1,
                "{word} is no keyword of the grammar, or an unreserved one"
            );
        }
    }

    #[test]
    fn the_names_of_functions_are_those_of_the_grammar() {
        for word in KEYWORDS {
            let kind = pg_query::scan_tokens(word).unwrap()[0].keyword_kind();
            let names = kind == pg_query::protobuf::KeywordKind::TypeFuncNameKeyword;
            assert_eq!(NAMES_OF_FUNCTIONS_OR_TYPES.contains(word), names, "{word}");
            assert_eq!(never_names_a_function(word), !names && *word != "treat", "{word}");
        }
        assert!(!never_names_a_function("key"));
    }

    #[test]
    fn unreserved_keywords_are_names() {
        for name in ["name", "policy", "index", "role", "schema"] {
            assert!(!needs_quotes(name), "{name}");
        }
    }
}
