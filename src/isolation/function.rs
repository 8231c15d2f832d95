//! What a function returns: the server's own as far as they are known here, others by their source.

use std::rc::Rc;

use crate::schema::Function;
use crate::script::expression::{Expression, Output, Query, Select};
use crate::script::{RelationName, TokenKind, tokens};
use crate::tenancy::{Identity, UserSource};

use super::evaluate::Scope;
use super::model::Model;
use super::query::Shown;
use super::session::{Says, claim, kind, setting, user};
use super::truth::{Chance, Truth};
use super::value::{Possible, Value, Values, at, join, one, unknown};

/// What a function does, as far as it can be read.
pub(super) enum Body {
    /// It returns an expression.
    Returns(Rc<Expression>),
    /// It returns a query's rows.
    Rows(Rc<Query>),
}

/// Returns what a call returns.
pub(super) fn call(scope: &Scope<'_>, name: &RelationName, arguments: &[Values]) -> Values {
    let says_nothing = scope.says != Says::Mine;
    if is_users(scope, name) {
        return one(if says_nothing {
            Value::Null
        } else {
            user(scope.model.tenancy)
        });
    }
    match &name.schema {
        None => builtin(scope, &name.name, arguments),
        Some(schema) => match (schema.as_str(), name.name.as_str()) {
            // What gateways bring along, by its meaning: its body may ask settings of older ones.
            ("auth", "jwt") => one(if says_nothing {
                Value::Null
            } else {
                Value::Claims(Vec::new())
            }),
            ("auth", "role") if says_nothing => one(Value::Null),
            ("auth", "role") => kind(&scope.user),
            _ => own(scope, schema, &name.name, arguments),
        },
    }
}

/// Tells whether a function says who the user is.
fn is_users(scope: &Scope<'_>, called: &RelationName) -> bool {
    let configured = match &scope.model.tenancy.identity {
        Identity::Membership(membership) => Some(&membership.user),
        Identity::Owner(user) => Some(user),
        _ => None,
    };
    let is_configured = matches!(configured, Some(UserSource::Function { name }) if name == called);
    let is_gateways = called.schema.as_deref() == Some("auth") && matches!(called.name.as_str(), "uid" | "email");
    is_configured || is_gateways
}

fn builtin(scope: &Scope<'_>, name: &str, arguments: &[Values]) -> Values {
    match (name, arguments) {
        ("current_setting", [setting_name]) => settings(scope, setting_name, false),
        ("current_setting", [setting_name, missing]) => settings(scope, setting_name, is_true(missing)),
        ("current_user" | "user" | "current_role", []) => one(Value::Text(scope.user.clone())),
        (
            "json_extract_path_text" | "jsonb_extract_path_text" | "json_extract_path" | "jsonb_extract_path",
            [document, way @ ..],
        ) => extract(scope, document, way),
        ("unnest" | "to_json" | "to_jsonb" | "array_remove", [values, ..]) => values.clone(),
        // Letters and blanks apart it is the same value, and which of them count is the column's to say.
        ("lower" | "upper" | "btrim" | "ltrim" | "rtrim", [values]) => simple(scope, values),
        ("left" | "right" | "substr" | "substring" | "split_part", [values, ..]) => part(values),
        _ => match scope.model.schema.functions.values().find(|own| own.name == name) {
            // In the body of a function names need no schema.
            Some(found) => own(scope, &found.schema.clone(), name, arguments),
            None => unknown(),
        },
    }
}

fn is_true(values: &Values) -> bool {
    matches!(values.as_slice(), [Possible { value: Value::Truth(truth), .. }] if *truth == Truth::YES)
}

fn settings(scope: &Scope<'_>, name: &Values, may_miss: bool) -> Values {
    let [
        Possible {
            value: Value::Text(name),
            ..
        },
    ] = name.as_slice()
    else {
        return unknown();
    };
    let mut values = setting(scope.model.tenancy, scope.says, &scope.user, name);
    if !may_miss {
        // 42704: there is no such setting.
        values.retain(|possible| possible.value != Value::Null);
    }
    values
}

fn extract(scope: &Scope<'_>, document: &Values, way: &[Values]) -> Values {
    let mut found = Values::new();
    for possible in document {
        let values = match &possible.value {
            Value::Claims(begun) => {
                let mut whole = begun.clone();
                for key in way {
                    match key.as_slice() {
                        [
                            Possible {
                                value: Value::Text(key),
                                ..
                            },
                        ] => whole.push(key.clone()),
                        _ => return unknown(),
                    }
                }
                claim(scope.model.tenancy, &scope.user, &whole)
            }
            Value::Null => one(Value::Null),
            Value::Chosen => one(Value::Chosen),
            Value::Held(whose) => one(Value::Held(*whose)),
            _ => unknown(),
        };
        join(&mut found, at(values, possible.chance));
    }
    found
}

/// A part of a tenant's name can be another's too.
fn part(values: &Values) -> Values {
    let each = values.iter().map(|possible| match &possible.value {
        Value::Tenant(_) => Possible {
            value: Value::Held(None),
            chance: possible.chance,
        },
        Value::Null | Value::Held(_) | Value::Chosen => possible.clone(),
        _ => Possible {
            value: Value::Unknown,
            chance: Chance::Perhaps,
        },
    });
    each.collect()
}

fn simple(scope: &Scope<'_>, values: &Values) -> Values {
    let each = values.iter().map(|possible| match &possible.value {
        Value::Tenant(_) if scope.is_of_letters() && scope.is_checked() => Possible {
            value: Value::Unknown,
            chance: Chance::Perhaps,
        },
        Value::Tenant(_) if scope.is_of_letters() => Possible {
            value: Value::Held(None),
            chance: possible.chance,
        },
        Value::Text(text) => Possible {
            value: Value::Text(text.clone()),
            chance: possible.chance,
        },
        Value::Tenant(_) | Value::Null | Value::Held(_) | Value::Chosen => possible.clone(),
        _ => Possible {
            value: Value::Unknown,
            chance: Chance::Perhaps,
        },
    });
    each.collect()
}

/// Works out a function of the schema by its body.
fn own(scope: &Scope<'_>, schema: &str, name: &str, arguments: &[Values]) -> Values {
    let Some(function) = find(scope.model, schema, name, arguments.len()) else {
        return unknown();
    };
    let Some(body) = body(scope.model, function) else {
        return unknown();
    };
    let acts_as = if function.is_security_definer {
        &function.owner
    } else {
        &scope.user
    };
    let mut inner = Scope::new(scope.model, acts_as, scope.says);
    inner.depth = scope.depth + 1;
    inner.reading.clone_from(&scope.reading);
    let names = function.argument_names.iter().map(Some).chain(std::iter::repeat(None));
    let left_out = std::iter::repeat_with(unknown).take(function.argument_names.len().saturating_sub(arguments.len()));
    let given = names.zip(arguments.iter().cloned().chain(left_out));
    inner.parameters = given.map(|(name, values)| (name.cloned(), values)).collect();
    inner.function = Some(function.name.clone());
    match body {
        Body::Returns(expression) => inner.values(&expression),
        Body::Rows(query) if function.returns_set => inner.first_outputs(&query),
        Body::Rows(query) => inner.scalar(&query),
    }
}

/// Of several, the types of the arguments would say which is meant; those that are left out have defaults.
fn find<'a>(model: &Model<'a>, schema: &str, name: &str, given: usize) -> Option<&'a Function> {
    let number = |function: &Function| match function.arguments.as_str() {
        "" => 0,
        arguments => arguments.split(", ").count(),
    };
    let named = || {
        let functions = model.schema.functions.values();
        functions.filter(|function| function.schema == schema && function.name == name)
    };
    let only = |mut found: Box<dyn Iterator<Item = &'a Function> + '_>| {
        let first = found.next()?;
        found.next().is_none().then_some(first)
    };
    let exact = only(Box::new(named().filter(|function| number(function) == given)));
    exact.or_else(|| only(Box::new(named().filter(|function| number(function) > given))))
}

/// Reads what a function does, if it is one query in SQL, or one RETURN in PL/pgSQL.
pub(super) fn body(model: &Model<'_>, function: &Function) -> Option<Body> {
    match function.language.as_str() {
        "sql" => {
            let text = in_sql(&function.body);
            if let Some(returned) = text.strip_prefix("RETURN ") {
                return model.expression(returned.trim_end_matches(';')).map(Body::Returns);
            }
            model.query(text).map(Body::Rows)
        }
        "plpgsql" => {
            let (returned, is_query) = in_plpgsql(&function.body)?;
            if is_query {
                model.query(returned).map(Body::Rows)
            } else {
                model.expression(returned).map(Body::Returns)
            }
        }
        _ => None,
    }
}

/// A body that the server has parsed comes with its frame around it.
fn in_sql(body: &str) -> &str {
    let body = body.trim();
    if let Some((_, inner)) = body.split_once("\nBEGIN ATOMIC\n") {
        return inner.trim_end().trim_end_matches("END").trim();
    }
    // The only line of the frame that begins so.
    match body
        .rfind("\nRETURN ")
        .filter(|_| body.starts_with("CREATE OR REPLACE "))
    {
        Some(at) => body[at + 1..].trim(),
        None => body,
    }
}

/// Returns what `begin return ...; end` returns, and whether that is a query.
fn in_plpgsql(body: &str) -> Option<(&str, bool)> {
    let lexed: Vec<_> = tokens(body).filter(|token| !token.kind.is_blank()).collect();
    let is = |at: usize, word: &str| {
        let token = lexed.get(at);
        token.is_some_and(|token| token.kind == TokenKind::Word && token.span.slice(body).eq_ignore_ascii_case(word))
    };
    if !(is(0, "begin") && is(1, "return")) {
        return None;
    }
    let is_query = is(2, "query");
    let start = lexed.get(if is_query { 3 } else { 2 })?.span.start;
    let end = lexed.iter().position(|token| token.kind == TokenKind::Semicolon)?;
    let is_over = is(end + 1, "end") && lexed.len() <= end + 3;
    is_over.then(|| (body[start..lexed[end].span.start].trim(), is_query))
}

impl Model<'_> {
    /// Returns what a SECURITY DEFINER function gives away of other tenants, whatever it is given: nothing where its body cannot be read.
    pub fn returned(&self, function: &Function, says: Says) -> Option<Shown> {
        let query = self.body(function)?;
        Some(self.shown_by(&query, function, says))
    }

    /// Returns the query that a function is: a RETURN of a query for one value too. Nothing where its body cannot be read.
    pub fn body(&self, function: &Function) -> Option<Rc<Query>> {
        match body(self, function)? {
            Body::Rows(query) => Some(query),
            Body::Returns(expression) => Some(Rc::new(match &*expression {
                Expression::Scalar(query) | Expression::ArrayOf(query) => (**query).clone(),
                other => Query {
                    arms: vec![Select {
                        sources: Vec::new(),
                        conditions: Vec::new(),
                        outputs: vec![Output {
                            name: None,
                            value: other.clone(),
                        }],
                        is_aggregate: false,
                    }],
                    is_exact: true,
                },
            })),
        }
    }
}
