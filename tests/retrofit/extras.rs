//! What is done on request: rows that are everybody's, deleted rows that are hidden, what a member's role may do.

use super::edges::Edge;

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
            assert_eq!(edge.db.psql(function), "s|s|t|{\"search_path=\\\"\\\"\"}");
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
