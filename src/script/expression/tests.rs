use super::*;

fn column(of: &str, name: &str) -> Expression {
    Expression::Column {
        of: (!of.is_empty()).then(|| of.to_owned()),
        name: name.to_owned(),
    }
}

fn call(name: &str, arguments: Vec<Expression>) -> Expression {
    Expression::Call {
        name: RelationName::new(name),
        arguments,
    }
}

fn equal(left: Expression, right: Expression) -> Expression {
    Expression::Operator {
        name: "=".to_owned(),
        operands: vec![left, right],
    }
}

#[test]
fn a_policy_on_a_setting() {
    let text =
        "(tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS \"nullif\"))";
    let Some(Expression::Operator { name, operands }) = expression(text) else {
        panic!()
    };
    assert_eq!((name.as_str(), &operands[0]), ("=", &column("", "tenant_id")));
    let Expression::Scalar(query) = &operands[1] else {
        panic!()
    };
    let setting = call(
        "current_setting",
        vec![
            Expression::Cast(
                Box::new(Expression::Text("app.tenant_id".to_owned())),
                "text".to_owned(),
            ),
            Expression::Bool(true),
        ],
    );
    let empty = Expression::Cast(Box::new(Expression::Text(String::new())), "text".to_owned());
    assert_eq!(
        query.arms[0].outputs[0].value,
        Expression::Cast(
            Box::new(Expression::NullIf(Box::new([setting, empty]))),
            "uuid".to_owned()
        )
    );
}

#[test]
fn an_inner_query_says_whose_its_columns_are() {
    let text = "(EXISTS ( SELECT 1 FROM (app.members m JOIN app.teams t ON ((t.id = m.team_id))) WHERE ((m.tenant_id = tasks.tenant_id) AND (t.id IN ( SELECT 1)))))";
    let Some(Expression::Exists(query)) = expression(text) else {
        panic!()
    };
    let arm = &query.arms[0];
    assert_eq!(arm.sources.len(), 2);
    assert_eq!(
        arm.sources[0].what,
        From::Relation(RelationName::qualified("app", "members"))
    );
    assert_eq!(arm.conditions[0], equal(column("t", "id"), column("m", "team_id")));
    assert!(query.is_exact);
    let Expression::And(parts) = &arm.conditions[1] else {
        panic!()
    };
    assert!(matches!(&parts[1], Expression::QuantifiedQuery { operator, .. } if operator == "="));
}

#[test]
fn what_is_cut_or_outer_is_not_exact() {
    for (text, is_exact) in [
        ("select a from t", true),
        ("select a from t limit 1", true),
        ("select a from t offset 1", false),
        ("select a from t union select b from u", true),
        ("select a from t except select b from u", false),
        ("select a from t left join u on u.x = t.x", true),
        ("with w as (select a from t) select a from w", true),
        ("select a from t group by a having count(*) > 1", false),
    ] {
        assert_eq!(query(text).unwrap().is_exact, is_exact, "{text}");
    }
}

#[test]
fn an_outer_join_asks_only_of_its_own_side() {
    let query = query("select t.a from t left join (u join v on v.a = u.a) on u.x = t.x where t.b = 1").unwrap();
    let arm = &query.arms[0];
    assert_eq!(
        arm.sources
            .iter()
            .map(|one| one.outer.as_ref().map(Vec::len))
            .collect::<Vec<_>>(),
        [None, Some(2), Some(2)]
    );
    assert_eq!(arm.conditions.len(), 1);
}

#[test]
fn with_stands_where_it_is_named() {
    let query = query("with w(x) as (select tenant_id from t) select x from w").unwrap();
    let From::Query(inner) = &query.arms[0].sources[0].what else {
        panic!()
    };
    assert_eq!(inner.arms[0].outputs[0].name.as_deref(), Some("x"));
}

#[test]
fn case_with_an_operand_is_comparisons() {
    let Some(Expression::Case { branches, otherwise }) = expression("case a when '1' then true end") else {
        panic!()
    };
    assert_eq!(branches[0].0, equal(column("", "a"), Expression::Text("1".to_owned())));
    assert_eq!(*otherwise, Expression::Null);
}

#[test]
fn what_is_no_expression_is_nothing() {
    assert_eq!(expression("a from t"), None);
    assert_eq!(expression("a, b"), None);
    assert_eq!(expression("("), None);
    assert_eq!(query("delete from t"), None);
}
