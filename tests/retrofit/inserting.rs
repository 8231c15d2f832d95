//! Who inserts has to be able to read what the tenant of the new row is taken from.

use serde_json::Value;

use super::edges::Edge;

const TABLES: &str = "
  create table jobs (id int primary key, parent_id int not null references parents);
  create table lines (id int primary key, job_id int not null references jobs);
  insert into jobs values (1, 1), (2, 2);
  insert into lines values (1, 1), (2, 2);";

/// Returns what the plan finds of this, and whether it is stopped.
fn found(edge: &Edge) -> Vec<Value> {
    let plan = edge
        .project
        .on(&edge.db, &["retrofit", "plan", "--format", "json"])
        .run();
    let json = plan.json();
    let findings = json["findings"].as_array().unwrap().iter();
    let found: Vec<Value> = findings
        .filter(|it| it["code"] == "retrofit.no-select")
        .cloned()
        .collect();
    assert_eq!(plan.code(), i32::from(!found.is_empty()), "{json:#}");
    found
}

/// Returns the statements between backticks.
fn statements(finding: &Value) -> Vec<String> {
    let help = finding["help"].as_str().unwrap();
    help.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn inserts(edge: &Edge) -> [String; 4] {
    [
        edge.tenant(1, "insert into jobs (id, parent_id) values (3, 1)"),
        edge.tenant(1, "insert into lines (id, job_id) values (3, 3)"),
        // A parent of another tenant is not found, and so gives no tenant.
        edge.tenant(1, "insert into jobs (id, parent_id) values (4, 2)"),
        edge.db
            .psql("select (select tenant_id from jobs where id = 3), (select tenant_id from lines where id = 3)"),
    ]
}

#[test]
fn who_may_not_read_the_parent_is_told_the_grant() {
    let edge = Edge::new(TABLES, "");
    let app = &edge.app;
    edge.db.psql(&format!("revoke select on parents, jobs from {app}"));
    let before = edge.db.catalog();
    let found_now = found(&edge);
    let told: Vec<(&str, Vec<String>)> = (found_now.iter())
        .map(|it| (it["object"].as_str().unwrap(), statements(it)))
        .collect();
    // The column of jobs is not there yet, so that it cannot be granted by itself.
    assert_eq!(
        told,
        [
            (
                "public.jobs",
                vec![format!("grant select (id, tenant_id) on public.parents to {app}")]
            ),
            ("public.lines", vec![format!("grant select on public.jobs to {app}")]),
        ]
    );
    let message = found_now[0]["message"].as_str().unwrap();
    for words in [app.as_str(), "public.parents", "id, tenant_id"] {
        assert!(message.contains(words), "{message}");
    }
    edge.project.on(&edge.db, &["retrofit", "apply"]).run().exits(6);
    assert_eq!(edge.db.catalog(), before);

    for (_, statements) in &told {
        edge.db.psql(&statements.join("; "));
    }
    assert_eq!(found(&edge), Vec::<Value>::new());
    edge.project.on(&edge.db, &["retrofit", "apply"]).run().exits(0);
    assert_eq!(inserts(&edge), ["", "", "42501", "1|1"]);
    // It is the grant that lets it.
    edge.db
        .psql(&format!("revoke select (id, tenant_id) on parents from {app}"));
    assert_eq!(
        edge.tenant(1, "insert into jobs (id, parent_id) values (5, 1)"),
        "42501"
    );
}

#[test]
fn grants_of_columns_of_everybody_and_of_groups_count() {
    let edge = Edge::new(TABLES, "");
    let (app, group) = (&edge.app, format!("{}_group", edge.app));
    edge.db.psql(&format!(
        "create role {group}; grant {group} to {app};
         revoke select on parents from {app};
         grant select (id) on parents to public; grant select (tenant_id) on parents to {group}"
    ));
    assert_eq!(found(&edge), Vec::<Value>::new());
    edge.project.on(&edge.db, &["retrofit", "apply"]).run().exits(0);
    assert_eq!(inserts(&edge), ["", "", "42501", "1|1"]);
    edge.project.on(&edge.db, &["retrofit", "undo", "--all"]).run().exits(0);

    // A membership that gives nothing without SET ROLE.
    edge.db.psql(&format!(
        "alter role {app} noinherit; revoke {group} from {app}; grant {group} to {app}"
    ));
    assert_eq!(found(&edge).len(), 1);
    edge.db.psql(&format!(
        "alter role {app} inherit; revoke {group} from {app}; grant {group} to {app}"
    ));
    assert_eq!(found(&edge), Vec::<Value>::new());

    // Others that write the table count too, by whatever they were given; those that only read it do not.
    edge.db.psql(&format!(
        "revoke select (id) on parents from public; grant select (id) on parents to {app};
         revoke {group} from {app}; grant select (tenant_id) on parents to {app};
         grant select on jobs to {group}; grant usage on schema public to {group}"
    ));
    assert_eq!(found(&edge), Vec::<Value>::new());
    for (given, taken) in [
        ("insert (id, parent_id)", "insert"),
        ("update (parent_id)", "update"),
        ("insert", "insert"),
    ] {
        edge.db.psql(&format!("grant {given} on jobs to {group}"));
        let found = found(&edge);
        assert_eq!(found.len(), 1, "{given}");
        assert_eq!(found[0]["evidence"]["role"], group);
        edge.db.psql(&format!("revoke {taken} on jobs from {group}"));
    }

    // The server's own role that reads everything, from 14 on.
    edge.db.psql(&format!("revoke select (id) on parents from {app}"));
    assert_eq!(found(&edge).len(), 1);
    if edge.db.psql("select to_regrole('pg_read_all_data') is not null") == "t" {
        edge.db.psql(&format!("grant pg_read_all_data to {app}"));
        assert_eq!(found(&edge), Vec::<Value>::new());
    }
    edge.db.psql(&format!("drop owned by {group}; drop role {group}"));
}

#[test]
fn a_parent_in_a_schema_that_cannot_be_looked_into() {
    let edge = Edge::new(
        "create schema inner_part;
         create table inner_part.\"Teams\" (id int primary key, tenant_id int not null references tenants);
         insert into inner_part.\"Teams\" values (1, 1), (2, 2);
         create table players (id int primary key, team_id int not null references inner_part.\"Teams\");",
        "schemas = ['public', 'inner_part']",
    );
    let app = &edge.app;
    let found_now = found(&edge);
    assert_eq!(
        statements(&found_now[0]),
        [
            format!("grant usage on schema inner_part to {app}"),
            format!("grant select (id, tenant_id) on inner_part.\"Teams\" to {app}"),
        ]
    );
    edge.db.psql(&statements(&found_now[0]).join("; "));
    assert_eq!(found(&edge), Vec::<Value>::new());
    edge.project.on(&edge.db, &["retrofit", "apply"]).run().exits(0);
    assert_eq!(
        edge.tenant(1, "insert into players (id, team_id) values (1, 1) returning tenant_id"),
        "1"
    );
}
