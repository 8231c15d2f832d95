//! What the counters of observed tables count, and what they leave alone.

use serde_json::Value;

use super::observing::Observed;
use crate::support::db::{TestDb, psql};
use crate::support::poll::eventually;

#[test]
#[allow(clippy::too_many_lines, reason = "it is a list of statements")]
fn every_command_is_counted_by_the_policies_it_meets() {
    let it = Observed::new("").observe();
    let mut sums = Vec::new();
    let mut counts = |tenant: &str, sql: &str, expected: &[(&str, u64)]| it.counts(&mut sums, tenant, sql, expected);
    // Of tenant 1 are the projects 1, and the tasks whose number is divisible by three.
    for quiet in [
        "select * from tasks where tenant_id = 1",
        "set enable_indexscan = off; set enable_bitmapscan = off; select * from tasks where tenant_id = 1 and title like '%'",
        "select * from tasks where id = 3",
        "select * from tasks t join projects p on p.id = t.project_id where p.tenant_id = 1 and t.tenant_id = 1",
        "insert into tasks values (1003, 1, 'mine', 1) returning id",
        "insert into tasks values (3, 1, 'mine', 1) on conflict (id) do update set title = 'mine' returning id",
        "update tasks set title = 'x' where id = 3",
        "delete from tasks where id = 1003",
        "begin; select * from tasks where id = 3 for update; rollback",
        "copy (select * from tasks where tenant_id = 1) to stdout",
        "explain select * from tasks",
    ] {
        counts("1", quiet, &[]);
    }
    counts("1", "select * from tasks", &[("select", 1)]);
    counts("1", "select * from tasks a, tasks b limit 5000", &[("select", 2)]);
    counts("1", "select * from tasks where id = 1", &[("select", 1)]);
    counts("1", "copy tasks to stdout", &[("select", 1)]);
    counts("1", "begin read only; select * from tasks; rollback", &[("select", 1)]);
    counts("1", "explain analyze select * from tasks", &[("select", 1)]);
    counts(
        "1",
        "set plan_cache_mode = force_generic_plan; prepare q (int) as select * from tasks where id = $1;
         execute q (3); execute q (1); execute q (1)",
        &[("select", 2)],
    );
    counts(
        "1",
        "begin; declare c cursor for select * from tasks; fetch 2 from c; fetch 2 from c; commit",
        &[("select", 1)],
    );
    counts("1", "insert into tasks values (1001, 2, 'theirs', 2)", &[("insert", 1)]);
    counts(
        "1",
        "insert into tasks values (1002, 2, 'theirs', 2) returning id",
        &[("insert", 1), ("select", 1)],
    );
    counts(
        "1",
        "insert into tasks values (1004, 2, 'a', 2), (1005, 2, 'b', 2), (1006, 1, 'c', 1)",
        &[("insert", 1)],
    );
    // The rows that are there, and what they become, are asked separately; a condition reads, so that its policy is asked both times too.
    counts("1", "update tasks set title = 'x'", &[("update", 2)]);
    counts(
        "1",
        "update tasks set title = 'x' where id = 1",
        &[("select", 2), ("update", 2)],
    );
    counts(
        "1",
        "insert into tasks values (1007, 1, 'mine', 1); update tasks set tenant_id = 2, project_id = 2 where id = 1007",
        &[("select", 1), ("update", 1)],
    );
    counts(
        "1",
        "delete from tasks where id = 1001",
        &[("select", 1), ("delete", 1)],
    );
    counts(
        "1",
        "begin; select * from tasks where id = 1 for update; rollback",
        &[("select", 1), ("update", 1)],
    );
    counts(
        "1",
        "insert into tasks values (1, 1, 'x', 1) on conflict (id) do update set title = 'mine'",
        &[("select", 2), ("update", 2)],
    );
    if it
        .db
        .psql("select current_setting('server_version_num')::int >= 150000")
        == "t"
    {
        counts(
            "1",
            "merge into tasks using (values (1)) s (i) on tasks.id = s.i when matched then delete",
            &[("select", 1), ("delete", 1)],
        );
        counts("1", "select * from open_tasks", &[("select", 1)]);
    }
    let without: u64 = it.counted("public.tasks").iter().map(|(_, _, without)| without).sum();
    assert_eq!(without, 0);
    counts("", "select * from tasks", &[("select", 1)]);
    // Neither does housekeeping count, nor who is not bound.
    it.db.psql("analyze; select * from tasks; reindex table tasks");
    it.db.psql("vacuum");
    counts("1", "select 1", &[]);
    let seen = it.counted("public.tasks");
    let select = seen.iter().find(|(command, _, _)| command == "select").unwrap();
    assert_eq!(select.2, 1, "{seen:?}");
}

#[test]
fn nothing_is_written_and_nothing_fails() {
    let it = Observed::new("").observe();
    let assigned = "select coalesce(pg_current_xact_id_if_assigned()::text, 'none')";
    assert_eq!(
        it.acts(
            "nobody",
            &format!("begin read only; select count(*) from tasks; {assigned}; commit")
        ),
        "100\nnone"
    );
    assert_eq!(
        it.acts("", &format!("begin; select count(*) from tasks; {assigned}; rollback")),
        "100\nnone"
    );
    // Values that are none: enforced, each of these is an error.
    for bad in ["x", "99999999999", "-", "1; drop"] {
        assert_eq!(it.acts(bad, "select count(*) from tasks"), "100", "{bad}");
    }
    // Readable in another way than the plain one.
    assert_eq!(it.acts(" +1 ", "select count(*) from tasks where tenant_id = 1"), "33");
    eventually("all of them are counted", || {
        it.counted("public.tasks") == [("select".to_owned(), 6, 6)]
    });
    // The roles that are told apart may go, or be called otherwise.
    it.db.psql(&format!("alter role {0} rename to {0}_x", it.app));
    let renamed = format!("set role {}_x; select count(*) from tasks", it.app);
    assert_eq!(it.db.psql(&renamed), "100");
    it.db.psql(&format!("alter role {0}_x rename to {0}", it.app));
}

#[test]
fn texts_that_are_nearly_of_the_type_fail_nowhere() {
    let it = Observed::new("[tenancy.tables.'public.things']\ncolumn = 'org'\n");
    it.db.psql(&format!(
        "create table things (id int primary key, org uuid not null);
         insert into things values (1, 'a0000000-0000-0000-0000-00000000000f');
         grant select on things to {}",
        it.app
    ));
    let it = it.observe();
    let read = |tenant: &str| it.acts(tenant, "select count(*) from things");
    for good in [
        "a0000000-0000-0000-0000-00000000000f",
        "A0000000-0000-0000-0000-00000000000F",
        "{a0000000000000000000-00000000000f}",
    ] {
        assert_eq!(read(good), "1");
    }
    for bad in [
        "a0000000-0000-0000-0000-00000000000g",
        "a0000000-0000-0000-0000-000000000-0f",
        "a-000000-0000-0000-0000-00000000000f",
        "a0000000-0000-0000-0000-00000000000\u{e4}",
        "a0000000-0000-0000-0000",
        "",
    ] {
        assert_eq!(read(bad), "1", "{bad}");
    }
    eventually("only these are counted", || {
        it.counted("public.things") == [("select".to_owned(), 6, 6)]
    });
}

#[test]
fn roles_and_applications_are_told_apart() {
    let it = Observed::new("[tenancy.observe]\napplications = ['web', 'worker']\n");
    let (other, member, admin) = (
        format!("{}_other", it.app),
        format!("{}_member", it.app),
        format!("{}_admin", it.app),
    );
    it.db.psql(&format!(
        "create role {other}; create role {member} in role {app}; create role {admin};
         grant select, insert on all tables in schema public to {other}, {admin}",
        app = it.app
    ));
    let config = it.project.read("rlsctl.toml");
    it.project.config(&config.replace(
        "[tenancy.observe]",
        &format!("admin_roles = ['{admin}']\n[tenancy.observe]"),
    ));
    let it = it.observe();
    let acts = |role: &str, application: &str| {
        it.db.psql(&format!(
            "set application_name = '{application}'; set role {role}; set app.tenant_id = 1; select count(*) from tasks"
        ))
    };
    for (role, application) in [
        (&it.app, "web"),
        (&it.app, "web"),
        (&it.app, "psql"),
        (&member, "worker"),
        (&other, "web"),
        (&admin, "web"),
    ] {
        assert_eq!(acts(role, application), "100");
    }
    let expected = |role: Value, application: Value, count: u64, without: u64| {
        serde_json::json!([role, application, count, without])
    };
    let mut wanted = vec![
        expected(it.app.as_str().into(), "web".into(), 2, 0),
        expected(it.app.as_str().into(), Value::Null, 1, 0),
        expected(it.app.as_str().into(), "worker".into(), 1, 0),
        // No policy is for it, so that nothing that it says makes it a tenant.
        expected(Value::Null, "web".into(), 1, 1),
    ];
    wanted.sort_by_key(ToString::to_string);
    eventually("each is counted for itself", || {
        let of = it.of("public.tasks");
        let mut found: Vec<Value> = (of["denied"].as_array().unwrap().iter())
            .map(|it| serde_json::json!([it["role"], it["application"], it["count"], it["without_tenant"]]))
            .collect();
        found.sort_by_key(ToString::to_string);
        found == wanted
    });
    // Other applications mean other counters, which a table that is observed does not get by itself.
    let config = it.project.read("rlsctl.toml");
    it.project.config(&config.replace("'worker'", "'jobs'"));
    let refused = it.retrofit(&["apply", "--observe"], 6);
    assert!(refused.contains("retrofit.observed-otherwise"), "{refused}");
    for table in ["tenants", "projects", "tasks", "comments"] {
        it.retrofit(&["undo", &format!("public.{table}")], 0);
    }
    it.retrofit(&["apply", "--observe"], 0);
    assert_eq!(it.of("public.tasks")["count"], 0);
    it.retrofit(&["undo", "--all"], 0);
    assert_eq!(
        it.db
            .psql("select count(*) from pg_namespace where nspname = 'rlsctl_observe'"),
        "0"
    );
    it.db.psql(&format!(
        "drop owned by {other}, {member}, {admin}; drop role {other}, {member}, {admin}"
    ));
}

#[test]
fn claims_that_are_no_json_are_counted_and_memberships_are_asked() {
    let it = Observed::new("identity = 'jwt'\n").observe();
    let with = |claims: &str, sql: &str| {
        it.db.psql(&format!(
            "set role {}; set request.jwt.claims = '{claims}'; {sql}",
            it.app
        ))
    };
    let one = "{\"app_metadata\": {\"tenant_id\": 1}}";
    assert_eq!(with(one, "select count(*) from tasks where tenant_id = 1"), "33");
    assert_eq!(it.raw(), []);
    assert_eq!(with("{not json", "select count(*) from tasks"), "100");
    eventually("it is counted", || {
        it.counted("public.tasks") == [("select".to_owned(), 1, 1)]
    });

    let member = Observed::new(
        "identity = 'membership'\nuser = { setting = 'app.user_id' }\nmembership = { table = 'public.members', user = 'user_id', tenant = 'tenant_id', all = true }\n",
    );
    member.db.psql("create table members (user_id int, tenant_id int not null references tenants, primary key (user_id, tenant_id)); insert into members values (7, 1), (7, 2)");
    let member = member.observe();
    let as_user = |user: &str, sql: &str| {
        member
            .db
            .psql(&format!("set role {}; set app.user_id = '{user}'; {sql}", member.app))
    };
    assert_eq!(
        as_user("7", "select count(*) from tasks where tenant_id = any (array[1, 2])"),
        "67"
    );
    assert_eq!(member.raw(), []);
    assert_eq!(as_user("seven", "select count(*) from tasks"), "100");
    eventually("it is counted", || {
        member.counted("public.tasks") == [("select".to_owned(), 1, 1)]
    });
    member.retrofit(&["apply"], 0);
    assert_eq!(as_user("7", "select count(*) from tasks"), "67");
}

#[test]
fn a_dump_moves_no_counter() {
    let it = Observed::new("").observe();
    let dump = std::process::Command::new(it.db.server().bin().tool("pg_dump"))
        .args(["--dbname", &it.db.dsn()])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&dump.stderr);
    if said.contains("server version mismatch") {
        // A server without a pg_dump of its own, beside an older one.
        return;
    }
    assert!(dump.status.success(), "{said}");
    // What is in the dump counts from when it is read back.
    let text = String::from_utf8(dump.stdout).unwrap();
    assert!(text.contains("REFRESH MATERIALIZED VIEW rlsctl_observe."));
    assert!(!text.contains("COPY rlsctl_observe."));
    it.acts("1", "select count(*) from tasks");
    eventually("only this is counted", || it.raw() == [("select".to_owned(), 1)]);
    let restored = TestDb::new();
    psql(
        restored.server(),
        &restored.dsn(),
        &text.replace("\\restrict", "--").replace("\\unrestrict", "--"),
    )
    .unwrap();
    let status = it
        .project
        .on(&restored, &["retrofit", "status", "--format", "json"])
        .run()
        .exits(1)
        .json();
    assert!(
        status["tables"]
            .as_array()
            .unwrap()
            .iter()
            .all(|table| table["observed"]["is_lost"] == true)
    );
}
