//! What is planned, applied by psql as the files stand: they are to be readable without us.

use rlsctl::retrofit::Stage;

use super::{built, files, model, planned};
use crate::support::db::TestDb;

/// Runs a file as psql would, a statement at a time; rounds until there are no more rows.
fn apply(db: &TestDb, text: &str) {
    if text.contains("repeat until 0 rows") {
        let statement = text
            .rsplit_once("\nwith round")
            .map(|(_, rest)| format!("with round{rest}"))
            .unwrap();
        while db
            .psql(&format!("{} returning 1", statement.trim_end().trim_end_matches(';')))
            .contains('1')
        {}
        return;
    }
    db.psql(text);
}

#[test]
fn tables_get_their_tenant_from_their_parents_and_are_apart() {
    let (db, app) = built();
    let tenancy = model(&format!("app_roles = ['{app}']"));
    let composed = files(&db, &tenancy);
    assert_eq!(composed, files(&db, &tenancy));
    for file in &composed {
        apply(&db, &file.text);
    }
    // Nothing is left to do.
    let plan = planned(&db, &tenancy);
    assert!(plan.steps.is_empty(), "{:#?}", plan.steps);
    let seen = |tenant: &str, table: &str| {
        db.psql(&format!(
            "set role {app}; set app.tenant_id = '{tenant}'; select count(*) from {table}"
        ))
    };
    let tables = ["tasks", "comments", "open_tasks"];
    // Before 15 a view asks with its owner's rights.
    let can_invoke = db.psql("select current_setting('server_version_num')::int >= 150000") == "t";
    for table in &tables[..if can_invoke { 3 } else { 2 }] {
        assert_eq!(
            [seen("1", table), seen("2", table), seen("", table)],
            ["50", "50", "0"],
            "{table}"
        );
    }
    assert_eq!(
        [seen("1", "tenants"), seen("2", "projects"), seen("3", "projects")],
        ["1", "1", "0"]
    );
    for (sql, sqlstate) in [
        (
            "insert into tasks (id, project_id, tenant_id) values (900, 2, 2)",
            "42501",
        ),
        (
            "insert into tasks (id, project_id, tenant_id) values (900, 2, 1)",
            "23503",
        ),
        ("update tasks set tenant_id = 2", "42501"),
        ("truncate comments", "42501"),
    ] {
        let error = db
            .try_psql(&format!("set role {app}; set app.tenant_id = '1'; {sql}"))
            .unwrap_err();
        assert!(error.contains(sqlstate), "{sql}: {error}");
    }
    // A row without the column is its parent's tenant's, as the application writes it today.
    db.psql(&format!(
        "set role {app}; set app.tenant_id = '1'; insert into tasks (id, project_id) values (901, 1)"
    ));
    assert_eq!(db.psql("select tenant_id from tasks where id = 901"), "1");
    db.psql(&format!("drop owned by {app}; drop role {app}"));
}

#[test]
fn every_stage_can_be_taken_back() {
    let (db, app) = built();
    let tenancy = model(&format!("app_roles = ['{app}']\npolicies = 'per-command'"));
    let before = db.catalog();
    let composed = files(&db, &tenancy);
    let mut stages: Vec<Stage> = composed.iter().map(|file| file.stage).collect();
    stages.dedup();
    assert!(stages.len() > 8, "{stages:?}");
    for file in &composed {
        apply(&db, &file.text);
    }
    assert_ne!(db.catalog(), before);
    for file in composed.iter().rev() {
        db.psql(&file.undo);
    }
    assert_eq!(db.catalog(), before);
    assert_eq!(db.psql("select count(*) from tasks"), "100");
    db.psql(&format!("drop owned by {app}; drop role {app}"));
}

#[test]
fn what_cannot_be_decided_is_asked_by_name() {
    let (db, app) = built();
    db.psql(
        "create table settings (id int primary key);
         create table links (id int primary key, from_id int not null references tasks, to_id int not null references projects);
         insert into comments values (1000, null, 'nobody''s')",
    );
    let tenancy = model(&format!(
        "app_roles = ['{app}', 'Nobody there']\n[tables.'public.gone']\nshared = true"
    ));
    let plan = planned(&db, &tenancy);
    let mut found: Vec<(&str, &str)> = plan.findings.iter().map(|it| (it.code, it.object.as_str())).collect();
    found.retain(|(code, _)| !["retrofit.view-shows-all", "retrofit.unset"].contains(code));
    found.sort_unstable();
    assert_eq!(
        found,
        [
            ("retrofit.no-role", "Nobody there"),
            ("retrofit.no-table", "public.gone"),
            ("retrofit.no-way", "public.settings"),
            ("retrofit.several-ways", "public.links"),
            ("retrofit.unfilled", "public.comments"),
        ]
    );
    let role = plan.findings.iter().find(|it| it.code == "retrofit.no-role").unwrap();
    assert!(role.help.contains("`create role \"Nobody there\"`"), "{}", role.help);
    let told = model(&format!(
        "app_roles = ['{app}']\ntype = 'integer'
         [tables.'public.settings']\nshared = true
         [tables.'public.links']\nbackfill = {{ from = ['to_id'] }}
         [tables.'public.comments']\nbackfill = {{ sql = \"coalesce((select p.tenant_id from public.tasks k join public.projects p on p.id = k.project_id where k.id = t.task_id), 1)\" }}"
    ));
    let plan = planned(&db, &told);
    assert!(!plan.is_stopped(), "{:#?}", plan.findings);
    assert_eq!(plan.shared.len(), 1);
    db.psql(&format!("drop owned by {app}; drop role {app}"));
}

#[test]
fn the_rows_to_fill_of_a_large_table_are_found_by_an_index() {
    let (db, app) = built();
    db.psql("insert into tasks select n, 1 + n % 2, 'more' from generate_series(101, 100000) n; analyze tasks");
    let tenancy = model(&format!("app_roles = ['{app}']"));
    let composed = files(&db, &tenancy);
    let of = |stage| composed.iter().filter(move |file| file.stage == stage);
    // The other tables are small.
    assert_eq!([of(Stage::Gaps).count(), of(Stage::NoGaps).count()], [1, 1]);
    for file in composed.iter().take_while(|file| file.stage < Stage::Backfill) {
        for statement in file.text.split_inclusive(";\n").filter(|_| file.stage == Stage::Gaps) {
            db.psql(statement);
        }
        if file.stage != Stage::Gaps {
            db.psql(&file.text);
        }
    }
    let round = of(Stage::Backfill)
        .find(|file| file.text.contains("update public.tasks"))
        .unwrap();
    let (_, statement) = round.text.rsplit_once("\nwith round").unwrap();
    db.psql("update tasks set tenant_id = 1 where id <= 90000; analyze tasks");
    let plan = db.psql(&format!("explain with round{statement}"));
    assert!(plan.contains("tasks_tenant_id_gaps"), "{plan}");
    gone(&db, &app);
}

fn gone(db: &TestDb, app: &str) {
    db.psql(&format!("drop owned by {app}; drop role {app}"));
}
