//! What the server makes of each template: an index's condition, with or without the query's own.

use crate::support::db::TestDb;
use crate::support::project::Project;
use crate::support::templates::{TEMPLATES, Template, says, schema};

const TENANT: usize = 7;

fn enforced(template: &Template) -> (TestDb, String) {
    let (db, project) = (TestDb::new(), Project::new());
    let app = format!("{}_app", db.name());
    db.psql(&format!("create role {app}"));
    db.psql(&schema(&app, 40_000, 100));
    project
        .migration("0001_first.sql", "select 1;")
        .config(&template.project(&app));
    project.on(&db, &["migrate"]).run().exits(0);
    project.on(&db, &["retrofit", "apply"]).run().exits(0);
    db.psql("vacuum analyze");
    (db, app)
}

/// Returns the plan of a query of the application's, with the names of its nodes.
fn plan(db: &TestDb, app: &str, how: &str, query: &str) -> String {
    let explain = format!("set plan_cache_mode = {how}; prepare it as {query}; explain (costs off) execute it");
    db.psql(&format!("set role {app}; {}; {explain}", says(TENANT)))
}

#[test]
fn each_template_is_an_indexs_condition_and_keeps_its_order() {
    for template in &TEMPLATES {
        let (db, app) = enforced(template);
        let count = db.psql(&format!(
            "select count(*) from tasks where {} = number({TENANT})",
            template.column
        ));
        let seen = format!("set role {app}; {}; select count(*) from tasks", says(TENANT));
        assert_eq!(db.psql(&seen), count, "{}", template.name);
        for how in ["force_generic_plan", "force_custom_plan"] {
            for query in [
                "select count(*) from tasks",
                "select * from tasks limit 50",
                "select * from tasks order by created_at desc limit 50",
                "update tasks set title = 'new'",
                "delete from tasks where title = 'old'",
            ] {
                // A list is taken for ten values: of a tenth of the rows the first 50 are found soonest by reading on.
                if !template.is_one && query.ends_with("tasks limit 50") {
                    continue;
                }
                let plan = plan(&db, &app, how, query);
                assert!(
                    !plan.contains("Seq Scan on tasks"),
                    "{}, {query}\n{plan}",
                    template.name
                );
                assert!(plan.contains("Index Cond: ("), "{}, {query}\n{plan}", template.name);
                let sorts = query.contains("order by") && plan.contains("Sort");
                assert!(!(sorts && template.is_one), "{}, {query}\n{plan}", template.name);
            }
            let point = plan(&db, &app, how, "select * from tasks where id = 4711");
            assert!(point.contains("tasks_pkey"), "{}\n{point}", template.name);
        }
        db.psql(&format!("drop owned by {app} cascade; drop role {app}"));
    }
}
