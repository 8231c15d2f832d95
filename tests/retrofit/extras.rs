//! What is done on request: rows that are everybody's, deleted rows that are hidden, what a member's role may do.

use super::edges::Edge;
use crate::support::db::TestDb;

/// Models of everybody's and of tenants, as of a product that ships some of its own.
const MODELS: &str = "
  create table models (id int primary key, tenant_id int references tenants, name text);
  insert into models values (1, null, 'everybodys'), (2, 1, 'ones'), (3, 2, 'twos');
  create table prices (id int primary key, model_id int not null references models, tenant_id int references tenants);
  insert into prices values (1, 1, null), (2, 2, 1), (3, 3, 2);";

const SHARED: &str =
    "[tenancy.tables.'public.models']\nnulls = 'shared'\n[tenancy.tables.'public.prices']\nnulls = 'shared'";

#[test]
fn rows_without_a_tenant_are_read_by_all_and_written_by_nobody() {
    let edge = Edge::new(MODELS, SHARED);
    edge.there_and_back(|edge| {
        let names = "select string_agg(name, ',' order by id) from models";
        assert_eq!(edge.tenant(1, names), "everybodys,ones");
        assert_eq!(edge.tenant(2, names), "everybodys,twos");
        let nobody = format!("set role {}; {names}", edge.app);
        assert_eq!(edge.db.psql(&nobody), "everybodys");
        for nothing in [
            "update models set name = 'mine' where id = 1 returning id",
            "update models set name = 'mine' where tenant_id is null returning id",
            "update models set tenant_id = 1 where id = 1 returning id",
            "delete from models where id = 1 returning id",
        ] {
            assert_eq!(edge.tenant(1, nothing), "", "{nothing}");
        }
        // Without a WHERE the policies for reading are not asked.
        assert_eq!(edge.tenant(1, "update models set name = name || '!'"), "");
        assert_eq!(edge.db.psql(names), "everybodys,ones!,twos");
        edge.db.psql("update models set name = 'ones' where id = 2");
        assert_eq!(edge.tenant(1, "insert into models values (9, null, 'forged')"), "42501");
        assert_eq!(
            edge.tenant(1, "update models set tenant_id = null where id = 2"),
            "42501"
        );
        assert_eq!(
            edge.db.psql(
                "select attnotnull from pg_attribute where attrelid = 'models'::regclass and attname = 'tenant_id'"
            ),
            "f"
        );
        let policies = "select polname, polcmd, pg_get_expr(polqual, polrelid), polwithcheck is null
             from pg_policy where polrelid = 'models'::regclass and polname = 'tenant_shared'";
        assert_eq!(edge.db.psql(policies), "tenant_shared|r|(tenant_id IS NULL)|t");
    });
}

#[test]
fn who_points_to_everybodys_rows_is_let_and_who_points_to_anothers_is_not() {
    let edge = Edge::new(MODELS, SHARED);
    edge.there_and_back(|edge| {
        assert_eq!(edge.tenant(1, "insert into prices values (4, 1, 1)"), "");
        assert_eq!(edge.tenant(1, "insert into prices values (5, 2, 1)"), "");
        assert_eq!(edge.tenant(1, "insert into prices values (6, 3, 1)"), "23503");
        assert_eq!(edge.tenant(1, "insert into prices values (7, 99, 1)"), "23503");
        // The simple key stays: a key with the tenant would not look at rows that have none.
        assert!(edge.db.try_psql("insert into prices values (8, 99, null)").is_err());
        edge.db.psql("delete from prices where id > 3");
    });
}

#[test]
fn without_a_word_rows_that_have_no_tenant_stop_the_plan() {
    let edge = Edge::new(MODELS, "");
    assert_eq!(edge.said("public.models"), ["retrofit.unfilled"]);
}

const DELETED: &str = "
  create table notes (id int primary key, tenant_id int not null references tenants, body text, deleted_at timestamptz);
  create unique index on notes (tenant_id, body) where deleted_at is null;
  create table prints (id int primary key, tenant_id int not null references tenants, deleted_at timestamp(3));
  insert into notes values (1, 1, 'a', null), (2, 1, 'b', '2020-01-01'), (3, 2, 'c', null);
  insert into prints values (1, 1, null), (2, 1, '2020-01-01');";

#[test]
fn deleted_rows_are_hidden_and_rows_can_be_deleted() {
    let edge = Edge::new(DELETED, "soft_delete = 'deleted_at'");
    edge.there_and_back(|edge| {
        let seen = "select string_agg(id::text, ',' order by id) from notes";
        assert_eq!(edge.tenant(1, seen), "1");
        for nothing in [
            "update notes set body = 'x' where id = 2 returning id",
            "update notes set deleted_at = null where id = 2 returning id",
            "delete from notes where id = 2 returning id",
            "update notes set deleted_at = now() where id = 3 returning id",
        ] {
            assert_eq!(edge.tenant(1, nothing), "", "{nothing}");
        }
        assert_eq!(edge.tenant(1, "update notes set body = body || '!'; delete from notes where id = 2"), "");
        assert_eq!(edge.db.psql("select body from notes where id = 2"), "b");
        // By a clock of the application's own, and by the server's; with and without RETURNING.
        for how in ["'2021-05-05'", "now()", "clock_timestamp()"] {
            let delete = format!("update notes set deleted_at = {how} where id = 1 returning id");
            assert_eq!(edge.tenant(1, &delete), "1", "{how}");
            assert_eq!(edge.tenant(1, seen), "", "{how}");
            edge.db.psql("update notes set deleted_at = null, body = 'a' where id = 1");
        }
        assert_eq!(edge.tenant(1, "update notes set deleted_at = '2021-05-05'"), "");
        assert_eq!(edge.tenant(1, seen), "");
        assert_eq!(
            edge.db.psql("select deleted_at > now() - interval '1 hour', (select deleted_at from notes where id = 3) is null from notes where id = 1"),
            "t|t"
        );
        edge.db.psql("update notes set deleted_at = null, body = 'a' where id = 1");
        // A column that keeps less of the time.
        assert_eq!(edge.tenant(1, "update prints set deleted_at = now() where id = 1 returning id"), "1");
        assert_eq!(edge.tenant(1, "select count(*) from prints"), "0");
        edge.db.psql("update prints set deleted_at = null where id = 1");
        // Who is not held back may write any time.
        edge.db.psql("update prints set deleted_at = '2019-01-01' where id = 1");
        assert_eq!(edge.db.psql("select deleted_at from prints where id = 1"), "2019-01-01 00:00:00");
        edge.db.psql("update prints set deleted_at = null where id = 1");
    });
}

#[test]
fn without_the_trigger_the_applications_own_time_is_refused() {
    let edge = Edge::new(DELETED, "soft_delete = 'deleted_at'");
    edge.project.on(&edge.db, &["retrofit", "apply"]).run().exits(0);
    edge.db.psql("drop trigger notes_deleted_at_now on notes");
    assert_eq!(
        edge.tenant(1, "update notes set deleted_at = '2021-05-05' where id = 1"),
        "42501"
    );
}

#[test]
fn a_column_that_holds_no_time_and_one_that_is_not_there_stop_the_plan() {
    let edge = Edge::new(
        "create table flags (id int primary key, tenant_id int not null, gone boolean);
         create table others (id int primary key, tenant_id int not null, gone boolean);",
        "soft_delete = 'gone'\n[tenancy.tables.'public.parents']\nsoft_delete = 'removed'\n[tenancy.tables.'public.others']\nsoft_delete = false",
    );
    assert_eq!(edge.said("public.flags"), ["retrofit.soft-delete"]);
    assert_eq!(edge.said("public.parents"), ["retrofit.soft-delete"]);
    assert_eq!(edge.said("public.others"), [""; 0]);
}

const MEMBERS: &str = "
  create type member_role as enum ('owner', 'admin', 'member', 'viewer');
  create table memberships (user_id int, tenant_id int not null references tenants, role member_role not null, deleted_at timestamptz,
    primary key (user_id, tenant_id));
  insert into memberships values (1, 1, 'owner'), (2, 1, 'admin'), (3, 1, 'member'), (4, 1, 'viewer'), (1, 2, 'viewer');
  insert into memberships values (5, 1, 'owner', now());
  create table notes (id int primary key, tenant_id int not null references tenants, body text);
  insert into notes values (1, 1, 'a'), (2, 2, 'b');";

fn with_roles(all: &str) -> String {
    format!(
        "identity = 'membership'\nuser = {{ setting = 'app.user_id' }}\nsoft_delete = 'deleted_at'
         membership = {{ table = 'public.memberships', user = 'user_id', tenant = 'tenant_id', role = 'role'{all} }}
         roles = {{ insert = ['owner', 'admin', 'member'], update = ['owner', 'admin', 'member'], delete = ['owner', 'admin'] }}
         [tenancy.tables.'public.memberships']\nroles = {{ insert = ['owner'], update = ['owner'], delete = ['owner'] }}
         [tenancy.tables.'public.parents']\nroles = {{ insert = [] }}"
    )
}

/// Runs as a user for the first tenant.
fn user(edge: &Edge, user: u32, sql: &str) -> String {
    edge.tenant(1, &format!("set app.user_id = '{user}'; {sql}"))
}

#[test]
fn a_members_role_says_what_it_may_do() {
    for all in ["", ", all = true"] {
        let edge = Edge::new(MEMBERS, &with_roles(all));
        edge.there_and_back(|edge| {
            let read = "select count(*) from notes where tenant_id = 1";
            for (who, sees, inserts, updates, deletes) in [
                (1, "1", "", "1", "1"),
                (2, "1", "", "1", "1"),
                (3, "1", "", "1", ""),
                (4, "1", "42501", "", ""),
                (5, "0", "42501", "", ""),
                (9, "0", "42501", "", ""),
            ] {
                assert_eq!(user(edge, who, read), sees, "{who}");
                let insert = "begin; insert into notes values (9, 1, 'new'); rollback";
                assert_eq!(user(edge, who, insert), inserts, "{who}");
                let update = "begin; update notes set body = 'x' where id = 1 returning id; rollback";
                assert_eq!(user(edge, who, update), updates, "{who}");
                let delete = "begin; delete from notes where id = 1 returning id; rollback";
                assert_eq!(user(edge, who, delete), deletes, "{who}");
                let promote = "begin; update memberships set role = 'owner' where role <> 'owner' and tenant_id = 1 returning 1; rollback";
                assert_eq!(user(edge, who, promote).contains('1'), who == 1, "{who}");
                // Nobody's to make.
                assert_eq!(user(edge, who, "insert into parents values (9, 1, 'p')"), "42501");
                // An owner of one tenant is no owner of another.
                assert_eq!(user(edge, who, "update notes set body = 'x' where id = 2 returning id"), "");
                assert_eq!(user(edge, who, "insert into notes values (9, 2, 'new')"), "42501");
            }
            let function = "select provolatile, proparallel, prosecdef, proconfig from pg_proc where proname like '%\\_as'";
            assert_eq!(edge.db.psql(function), "s|s|t|{\"search_path=pg_catalog, pg_temp\"}");
        });
    }
}

#[test]
fn members_who_may_promote_themselves_are_told() {
    let config = with_roles("").replace(
        "[tenancy.tables.'public.memberships']\nroles = { insert = ['owner'], update = ['owner'], delete = ['owner'] }",
        "",
    );
    let config = config.replace(", update = ['owner', 'admin', 'member']", "");
    let edge = Edge::new(MEMBERS, &config);
    assert!(
        edge.said("public.memberships")
            .contains(&"retrofit.own-role".to_owned())
    );
    let whole = Edge::new(MEMBERS, &with_roles(""));
    assert!(
        !whole
            .said("public.memberships")
            .contains(&"retrofit.own-role".to_owned())
    );
    let lacking = Edge::new(MEMBERS, &with_roles("").replace("role = 'role'", "role = 'rank'"));
    assert!(
        lacking
            .said("public.memberships")
            .contains(&"retrofit.no-role-column".to_owned())
    );
}

#[test]
fn a_function_that_is_there_and_does_something_else_is_told() {
    let edge = Edge::new(MEMBERS, &with_roles(""));
    edge.db
        .psql("create function active_tenant_as(text[]) returns int language sql stable return 1");
    assert_eq!(edge.said("public.active_tenant_as"), ["retrofit.function"]);
}

/// A domain of the caller's own that is called as a type is, whose check says as whom it runs.
const TRAP: &str = "create function pg_temp.evil(pg_catalog.text) returns boolean language plpgsql as
    $$ begin perform pg_catalog.set_config('trap.ran_as', current_user, false); return true; end $$;
  create domain pg_temp.text as pg_catalog.text check (pg_temp.evil(value));
  create domain pg_temp.name as pg_catalog.name check (pg_temp.evil(value::pg_catalog.text));
  create domain pg_temp.jsonb as pg_catalog.jsonb check (pg_temp.evil(value::pg_catalog.text));";

#[test]
fn a_callers_own_types_do_not_run_with_the_owners_rights() {
    let config = with_roles("").replacen("roles =", "audit_log = 'public.log'\nroles =", 1);
    let edge = Edge::new(MEMBERS, &config);
    edge.project.on(&edge.db, &["retrofit", "apply"]).run().exits(0);
    let looks = format!(
        "{TRAP} update notes set body = 'x' where id = 1 returning id; select coalesce(current_setting('trap.ran_as', true), 'nobody')"
    );
    assert_eq!(user(&edge, 1, &looks), "1\nnobody");
    // The trap is one: in a function without a path it runs.
    edge.db
        .psql("alter function active_tenant_as(text[]) set search_path = ''");
    let owner = edge.db.psql("select current_user");
    assert_eq!(user(&edge, 1, &looks), format!("1\n{owner}"));
    assert_eq!(edge.said("public.active_tenant_as"), ["retrofit.function"]);
}

fn log(more: &str) -> String {
    format!("audit_log = 'public.log'\n{more}")
}

const ORDERS: &str = "create table orders (id int primary key, tenant_id int not null references tenants, total int);
  insert into orders values (1, 1, 10), (2, 2, 20);
  alter default privileges in schema public grant all on tables to {app};
  alter default privileges in schema public grant all on functions to {app};";

#[test]
fn what_is_written_is_logged_for_its_tenant() {
    let edge = Edge::new(ORDERS, &log("[tenancy.tables.'public.parents']\naudited = false"));
    edge.project.on(&edge.db, &["retrofit", "apply"]).run().exits(0);
    edge.project.on(&edge.db, &["retrofit", "status"]).run().exits(0);
    edge.tenant(1, "insert into orders values (3, 1, 30); update orders set total = 31 where id = 3; delete from orders where id = 3");
    edge.tenant(2, "update orders set total = 21");
    edge.tenant(1, "update parents set name = 'not logged'");
    edge.db.psql("update orders set tenant_id = 2 where id = 1");
    let seen = "select string_agg(concat_ws(' ', command, old_row ->> 'total', new_row ->> 'total'), ',' order by id) from log";
    assert_eq!(edge.tenant(1, seen), "INSERT 30,UPDATE 30 31,DELETE 31,UPDATE 10");
    assert_eq!(edge.tenant(2, seen), "UPDATE 20 21,UPDATE 10");
    assert_eq!(
        edge.db
            .psql(&format!("set role {}; select count(*) from log", edge.app)),
        "0"
    );
    let who = "select distinct acting_role, session_role = current_user, table_name from log where command = 'INSERT'";
    assert_eq!(edge.db.psql(who), format!("{}|t|public.orders", edge.app));
}

#[test]
fn nobody_of_the_application_writes_the_log_and_nobody_changes_it() {
    let edge = Edge::new(ORDERS, &log(""));
    edge.project.on(&edge.db, &["retrofit", "apply"]).run().exits(0);
    edge.tenant(1, "update orders set total = 11");
    for forbidden in [
        "insert into log (tenant_id, session_role, acting_role, table_name, command) values (1, 'a', 'a', 'x', 'INSERT')",
        "update log set command = 'nothing'",
        "delete from log",
        "truncate log",
        "create temp table mine (tenant_id int); create trigger t after insert on mine for each row execute function log_write('tenant_id')",
        "select log_write()",
    ] {
        let code = edge.tenant(1, forbidden);
        assert!(["42501", "0A000"].contains(&code.as_str()), "{forbidden}: {code}");
    }
    for refused in ["update log set command = 'nothing'", "delete from log", "truncate log"] {
        assert!(edge.db.try_psql(refused).unwrap_err().contains("42501"), "{refused}");
    }
    assert_eq!(edge.db.psql("select count(*) from log"), "1");
    // One with rows stays, and is taken up again.
    edge.project.on(&edge.db, &["retrofit", "undo", "--all"]).run().exits(0);
    assert_eq!(edge.db.psql("select count(*) from log"), "1");
    edge.db.psql("update orders set total = 12");
    edge.project.on(&edge.db, &["retrofit", "apply"]).run().exits(0);
    edge.tenant(1, "update orders set total = 13");
    assert_eq!(edge.db.psql("select count(*) from log"), "2");
}

#[test]
fn a_log_that_nothing_was_written_to_goes() {
    Edge::new(ORDERS, &log("")).there_and_back(|edge| {
        assert_eq!(
            edge.db
                .psql("select relrowsecurity from pg_class where relname = 'log'"),
            "t"
        );
    });
}

#[test]
fn a_log_that_the_application_could_change_stops_the_plan() {
    let edge = Edge::new("", &log(""));
    let owner = edge.db.psql("select quote_ident(current_user)");
    edge.db.psql(&format!("grant {owner} to {}", edge.app));
    assert_eq!(edge.said("public.log"), ["retrofit.audit-owner"]);
    edge.db.psql(&format!("revoke {owner} from {}", edge.app));
}

#[test]
fn a_log_of_tenants_of_several_types_stops_the_plan() {
    let (db, app) = super::built();
    db.psql("create table odd (id int primary key, tenant_id text not null)");
    let config = format!("app_roles = ['{app}']\naudit_log = 'public.log'");
    let said = |more: &str| -> Vec<&str> {
        let plan = super::planned(&db, &super::model(&format!("{config}{more}")));
        let ours = plan.findings.iter().filter(|finding| finding.object == "public.log");
        ours.map(|finding| finding.code).collect()
    };
    assert_eq!(said(""), ["retrofit.audit-types"]);
    assert_eq!(said("\ntables.'public.odd'.audited = false"), [""; 0]);
    db.psql(&format!("drop owned by {app} cascade; drop role {app}"));
}

#[test]
fn functions_for_admins_look_who_asks() {
    let edge = Edge::new(ORDERS, "admin_functions = ['public.orders']\nadmin_roles = ['ADMIN']");
    let (app, admin, staff, gate) = (
        &edge.app,
        &format!("{}_admin", edge.db.name()),
        &format!("{}_staff", edge.db.name()),
        &format!("{}_gate", edge.db.name()),
    );
    let config = edge.project.read("rlsctl.toml").replace("ADMIN", admin);
    edge.project.config(&config);
    // Staff are admins at once; the gate may become any of them, and is none by itself.
    edge.db.psql(&format!(
        "create role {admin}; create role {staff} login in role {admin}; create role {gate} login noinherit in role {admin}, {app};
         grant usage on schema public to {admin}, {gate}"
    ));
    let before = super::fingerprint(&edge.db);
    edge.project.on(&edge.db, &["retrofit", "apply"]).run().exits(0);
    let asks = |session: &str, before: &str, sql: &str| {
        let sql = format!("set session authorization {session}; {before} {sql}");
        edge.db
            .try_psql(&sql)
            .unwrap_or_else(|error| error[error.find("ERROR:  ").unwrap() + 8..][..5].to_owned())
    };
    let list = "select count(*) from admin_orders()";
    let open = format!("grant execute on function admin_orders() to {app}, {gate};");
    assert_eq!(asks(staff, "", list), "2");
    assert_eq!(asks(gate, &format!("set role {admin};"), list), "2");
    assert_eq!(asks(app, "", list), "42501");
    // Who was given EXECUTE is no admin for that.
    edge.db.psql(&open);
    let become_staff = format!("set local role {staff};");
    let lie = format!("select set_config('role', '{admin}', false);");
    for (session, before) in [
        (app, ""),
        (app, "reset role;"),
        (app, lie.as_str()),
        (app, become_staff.as_str()),
        (gate, ""),
        (gate, &format!("set role {app};")),
        (staff, &format!("set role {gate};")),
    ] {
        assert_eq!(asks(session, before, list), "42501", "{session}: {before}");
    }
    // A function of an admin's that anybody may call lends its rights to nobody here.
    edge.db.psql(&format!(
        "create function lent() returns bigint language sql security definer as '{list}';
         alter function lent() owner to {admin}; grant execute on function lent() to {app}"
    ));
    assert_eq!(asks(app, "", "select lent()"), "42501");
    assert_eq!(asks(staff, "", "select lent()"), "2");
    edge.db.psql(&format!(
        "drop function lent(); revoke execute on function admin_orders() from {app}, {gate}"
    ));
    edge.project.on(&edge.db, &["retrofit", "undo", "--all"]).run().exits(0);
    assert_eq!(super::fingerprint(&edge.db), before);
    for role in [staff, gate, admin] {
        edge.db.psql(&format!("drop owned by {role} cascade; drop role {role}"));
    }
}

#[test]
fn settings_that_nobody_is_seen_to_set_are_told() {
    let edge = Edge::new("", "");
    assert_eq!(edge.said("app.tenant_id"), ["retrofit.unset"]);
    // A session of another database does not count, one of this does while it is at it.
    let elsewhere = TestDb::new();
    let other = elsewhere.session();
    other.ok("select set_config('app.tenant_id', '1', false)");
    assert_eq!(edge.said("app.tenant_id"), ["retrofit.unset"]);
    let session = edge.db.session();
    session.ok("select current_setting('app.tenant_id', true)");
    assert_eq!(edge.said("app.tenant_id"), ["retrofit.unset"]);
    session.ok("begin; SET LOCAL app.tenant_id = '1'");
    assert_eq!(edge.said("app.tenant_id"), [""; 0]);
    session.ok("rollback");
    assert_eq!(edge.said("app.tenant_id"), ["retrofit.unset"]);
    session.ok("select set_config('app.tenant_id', '1', true)");
    assert_eq!(edge.said("app.tenant_id"), [""; 0]);
    session.ok("select 1");
    edge.db.psql(
        "create function enter(t text) returns text language sql as $$ select set_config('app.tenant_id', t, true) $$",
    );
    assert_eq!(edge.said("app.tenant_id"), [""; 0]);
    edge.db.psql("drop function enter");
    edge.db.psql(&format!(
        "alter role {} in database {} set app.tenant_id = '1'",
        edge.app,
        edge.db.name()
    ));
    assert_eq!(edge.said("app.tenant_id"), [""; 0]);
}
