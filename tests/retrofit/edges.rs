//! What schemas have that have grown for years: each by itself, all the way there and all the way back.

use super::fingerprint;
use crate::support::db::TestDb;
use crate::support::project::Project;

/// Tenants, and a table that knows its tenant.
const BASE: &str = "
  create table tenants (id int primary key);
  create table parents (id int primary key, tenant_id int not null references tenants, name text);
  insert into tenants values (1), (2);
  insert into parents values (1, 1, 'a'), (2, 2, 'b');";

pub(super) struct Edge {
    pub(super) db: TestDb,
    pub(super) app: String,
    pub(super) project: Project,
}

impl Edge {
    /// Builds a schema, in which `{app}` stands for the application's role, and `config` for what else is to be said of tenancy.
    pub(super) fn new(schema: &str, config: &str) -> Self {
        let (db, project) = (TestDb::new(), Project::new());
        let app = format!("{}_app", db.name());
        db.psql(&format!(
            "create role {app}; grant usage on schema public to {app}; {BASE}"
        ));
        db.psql(&schema.replace("{app}", &app));
        db.psql(&format!(
            "grant select, insert, update, delete on all tables in schema public to {app}"
        ));
        project.migration("0001_first.sql", "select 1;").config(&format!(
            "[migrations]\ndir = 'migrations'\n[tenancy]\napp_roles = ['{app}']\ntype = 'integer'\n{config}"
        ));
        project.on(&db, &["migrate"]).run().exits(0);
        Self { db, app, project }
    }

    /// Goes there, looks, and goes back to the same catalog.
    pub(super) fn there_and_back(&self, look: impl FnOnce(&Self)) {
        let before = fingerprint(&self.db);
        self.project.on(&self.db, &["retrofit", "apply"]).run().exits(0);
        self.project.on(&self.db, &["retrofit", "status"]).run().exits(0);
        look(self);
        self.project.on(&self.db, &["retrofit", "undo", "--all"]).run().exits(0);
        assert_eq!(fingerprint(&self.db), before);
    }

    /// Runs as the application for a tenant; the SQLSTATE where it fails.
    pub(super) fn tenant(&self, tenant: u32, sql: &str) -> String {
        let sql = format!("set role {}; set app.tenant_id = '{tenant}'; {sql}", self.app);
        self.db.try_psql(&sql).unwrap_or_else(|error| {
            let from = error.find("ERROR:  ").map_or(0, |at| at + 8);
            error[from..].chars().take(5).collect()
        })
    }

    /// Tells whether the server knows `security_invoker`.
    fn views_can_ask_for_others(&self) -> bool {
        self.db
            .psql("select current_setting('server_version_num')::int >= 150000")
            == "t"
    }

    /// Returns the codes of what a plan has to say of an object.
    pub(super) fn said(&self, object: &str) -> Vec<String> {
        let plan = self
            .project
            .on(&self.db, &["retrofit", "plan", "--format", "json"])
            .run()
            .json();
        let findings = plan["findings"].as_array().unwrap().iter();
        findings
            .filter(|finding| finding["object"] == object)
            .map(|finding| finding["code"].as_str().unwrap().to_owned())
            .collect()
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        let _ = self
            .db
            .try_psql(&format!("drop owned by {0} cascade; drop role {0}", self.app));
    }
}

#[test]
fn composite_keys_and_references_to_oneself() {
    let edge = Edge::new(
        "create table nodes (parent_id int not null references parents, number int, above int, primary key (parent_id, number),
           foreign key (parent_id, above) references nodes match simple deferrable initially deferred);
         insert into nodes values (1, 1, null), (1, 2, 1), (2, 1, null), (2, 2, 1);
         create table leaves (id int primary key, node int not null, number int not null, foreign key (node, number) references nodes on update cascade);
         insert into leaves values (1, 1, 2), (2, 2, 2);",
        "",
    );
    edge.there_and_back(|edge| {
        assert_eq!(edge.tenant(1, "select string_agg(id::text, ',') from leaves"), "1");
        assert_eq!(edge.tenant(1, "insert into leaves values (3, 2, 1, 1)"), "23503");
        assert_eq!(
            edge.tenant(
                1,
                "insert into leaves (id, node, number) values (3, 1, 1) returning tenant_id"
            ),
            "1"
        );
        assert_eq!(edge.tenant(2, "update nodes set number = 9 where number = 2"), "");
        assert_eq!(edge.db.psql("select number from leaves where id = 2"), "9");
        edge.db.psql("update nodes set number = 2 where number = 9");
    });
}

#[test]
fn foreign_keys_come_back_as_they_were() {
    let edge = Edge::new(
        "create table a (id int primary key, parent_id int not null, p2 int);
         alter table a add constraint odd foreign key (parent_id) references parents on delete cascade not valid;
         alter table a add constraint \"Late\" foreign key (p2) references parents on update cascade deferrable initially deferred;
         insert into a values (1, 1, 1), (2, 2, null);
         comment on constraint odd on a is 'never looked at';
         create index a_parent on a (parent_id) with (fillfactor = 70);
         comment on index a_parent is 'for deletes';
         create unique index names on parents (name);
         create table b (id int primary key, name text not null references parents (name) on update cascade);
         insert into b values (1, 'a'), (2, 'b');",
        "",
    );
    edge.there_and_back(|edge| {
        assert_eq!(edge.tenant(1, "update a set parent_id = 2"), "23503");
        assert_eq!(edge.tenant(1, "begin; update a set p2 = 2; commit"), "23503");
        assert_eq!(edge.tenant(2, "select count(*) from b"), "1");
        assert_eq!(edge.tenant(2, "update b set name = 'a'"), "23503");
    });
}

#[test]
fn tables_of_several_owners() {
    let edge = Edge::new(
        "create table mine (id int primary key, parent_id int not null references parents);
         insert into mine values (1, 1), (2, 2);
         grant create on schema public to {app};
         alter table mine owner to {app};
         create view of_mine as select * from mine;",
        "",
    );
    edge.there_and_back(|edge| {
        // Its owner is the application, which row security holds back only when it is forced.
        assert_eq!(edge.tenant(1, "select count(*) from mine"), "1");
        if edge.views_can_ask_for_others() {
            assert_eq!(edge.tenant(1, "select count(*) from of_mine"), "1");
        }
        assert_eq!(
            edge.db
                .psql("select relforcerowsecurity from pg_class where relname = 'mine'"),
            "t"
        );
    });
}

#[test]
fn triggers_that_the_backfill_sets_off_are_told() {
    let edge = Edge::new(
        "create table seen (id int primary key, parent_id int not null references parents, changed int not null default 0);
         insert into seen values (1, 1), (2, 2);
         create function count_change() returns trigger language plpgsql as 'begin new.changed := old.changed + 1; return new; end';
         create trigger counts before update on seen for each row execute function count_change();
         create trigger narrow before update of changed on seen for each row execute function count_change();
         create table quiet (id int primary key, parent_id int not null references parents);
         insert into quiet values (1, 1);
         create trigger comes before insert on quiet for each row execute function count_change();",
        "",
    );
    let plan = edge
        .project
        .on(&edge.db, &["retrofit", "plan", "--format", "json"])
        .run()
        .exits(0)
        .json();
    let fires: Vec<&serde_json::Value> = (plan["findings"].as_array().unwrap().iter())
        .filter(|finding| finding["code"] == "retrofit.fires")
        .collect();
    assert_eq!(fires.len(), 1, "{fires:?}");
    assert_eq!(fires[0]["object"], "public.seen");
    let message = fires[0]["message"].as_str().unwrap();
    assert!(message.contains("counts") && !message.contains("narrow"), "{message}");
    edge.there_and_back(|edge| assert_eq!(edge.db.psql("select distinct changed from seen"), "1"));
}

#[test]
fn inherited_tables_and_partitions_that_have_the_column() {
    let edge = Edge::new(
        "create table things (id int primary key, tenant_id int not null, kind text);
         create table odd_things (extra text, primary key (id)) inherits (things);
         insert into things values (1, 1, 'x'), (2, 2, 'x');
         insert into odd_things values (3, 1, 'y'), (4, 2, 'y');
         create table loose (id int primary key, tenant_id int);
         create table looser (primary key (id)) inherits (loose);
         insert into loose values (1, 1), (2, 2);
         insert into looser values (3, 1), (4, 2);
         create table logs (id int, tenant_id int not null, primary key (id)) partition by range (id);
         create table logs_1 partition of logs for values from (0) to (100);
         insert into logs values (1, 1), (2, 2);
         create table log_lines (id int primary key, log_id int not null references logs);
         insert into log_lines values (1, 1), (2, 2);",
        "",
    );
    let mut said = edge.said("public.logs");
    said.sort_unstable();
    assert_eq!(said, [""; 0]);
    edge.there_and_back(|edge| {
        for table in ["things", "loose"] {
            assert_eq!(
                edge.tenant(1, &format!("select string_agg(id::text, ',' order by id) from {table}")),
                "1,3",
                "{table}"
            );
        }
        assert_eq!(edge.tenant(2, "select string_agg(id::text, ',') from odd_things"), "4");
        assert_eq!(edge.tenant(2, "insert into looser (id) values (9)"), "42501");
        assert_eq!(edge.tenant(2, "select count(*) from logs"), "1");
        // Asked by its own name, a partition would show both tenants' rows.
        assert_eq!(edge.tenant(2, "select count(*) from logs_1"), "42501");
        // A partitioned table's key cannot take the tenant in: a trigger says what a foreign key would.
        assert_eq!(edge.tenant(1, "insert into log_lines values (3, 2, 1)"), "23503");
        assert_eq!(edge.tenant(1, "update log_lines set log_id = 2"), "23503");
        assert_eq!(edge.tenant(1, "insert into log_lines values (3, 1, 1)"), "");
        edge.db.psql("delete from log_lines where id = 3");
    });
}

#[test]
fn tenants_whose_types_cannot_be_compared() {
    let edge = Edge::new(
        "create table words (id int primary key, tenant_id text not null, parent_id int references parents);
         insert into words values (1, '1', 1), (2, '2', 2);",
        "",
    );
    // The configuration says integer, so that a person has to decide.
    assert_eq!(edge.said("public.words"), ["retrofit.wrong-type"]);
    let config = edge.project.read("rlsctl.toml").replace("type = 'integer'\n", "");
    edge.project.config(&config);
    edge.there_and_back(|edge| {
        assert_eq!(edge.tenant(1, "select id from words"), "1");
        assert_eq!(edge.tenant(1, "update words set parent_id = 2"), "23503");
        assert_eq!(edge.tenant(1, "update words set parent_id = null"), "");
        edge.db.psql("update words set parent_id = id");
    });
}

#[test]
fn views_over_views_and_what_they_were_told() {
    let edge = Edge::new(
        "create table things (id int primary key, parent_id int not null references parents);
         insert into things values (1, 1), (2, 2);
         create view one with (security_barrier = true) as select * from things;
         create view two as select one.id, p.name from one join parents p on p.id = one.parent_id;
         create view \"Three\" as select count(*) from two;
         comment on view two is 'pages';",
        "",
    );
    if !edge.views_can_ask_for_others() {
        assert_eq!(edge.said("public.two"), ["retrofit.view-shows-all"]);
        return;
    }
    edge.there_and_back(|edge| {
        assert_eq!(edge.tenant(1, "select id from one"), "1");
        assert_eq!(edge.tenant(2, "select id from two"), "2");
        assert_eq!(edge.tenant(3, "select * from \"Three\""), "0");
    });
}

#[test]
fn privileges_come_back_as_they_were() {
    let edge = Edge::new(
        "create table things (id int primary key, parent_id int not null references parents);
         insert into things values (1, 1), (2, 2);
         grant truncate on things to {app} with grant option;
         grant select, references, trigger on things to public;",
        "",
    );
    edge.there_and_back(|edge| assert_eq!(edge.tenant(1, "truncate things"), "42501"));
}

#[test]
fn partitioned_tables_that_lack_the_column() {
    let edge = Edge::new(
        "create table events (id int, parent_id int not null references parents, created_at date not null, body text, primary key (id, created_at))
           partition by range (created_at);
         create table events_1 partition of events for values from ('2020-01-01') to ('2021-01-01');
         create table \"Events 2\" partition of events for values from ('2021-01-01') to ('2022-01-01');
         insert into events select n, 1 + n % 2, date '2020-01-01' + n % 700, 'e' from generate_series(1, 12000) n;
         create table marks (id int primary key, event_id int not null, at date not null, foreign key (event_id, at) references events);
         insert into marks select id, id, created_at from events where id <= 10;
         analyze;
         update pg_class set reltuples = 200000 where relname = 'events_1';",
        "",
    );
    edge.db
        .psql(&format!("revoke all on events_1, \"Events 2\" from {}", edge.app));
    edge.there_and_back(|edge| {
        let right = "select count(*) from events where tenant_id is distinct from 1 + id % 2";
        assert_eq!(edge.db.psql(right), "0");
        assert_eq!(edge.tenant(1, "select count(*) from events"), "6000");
        assert_eq!(edge.tenant(2, "select count(*) from marks"), "5");
        assert_eq!(edge.tenant(1, "insert into events values (20000, 2, '2020-05-05', 'x')"), "42501");
        assert_eq!(edge.tenant(1, "insert into events values (20000, 1, '2020-05-05', 'x') returning tenant_id"), "1");
        edge.db.psql("delete from events where id = 20000");
        let required = "select count(*) from pg_attribute where attname = 'tenant_id' and attnotnull
            and attrelid in ('events'::regclass, 'events_1'::regclass, '\"Events 2\"'::regclass)";
        assert_eq!(edge.db.psql(required), "3");
        let indexes = "select c.relname, i.indisvalid, c.relispartition from pg_index i join pg_class c on c.oid = i.indexrelid
            where c.relname like '%tenant%' and c.relname ilike 'events%' order by 1";
        assert_eq!(
            edge.db.psql(indexes),
            "Events 2_tenant_id_created_at_idx|t|t\nevents_1_tenant_id_created_at_idx|t|t\nevents_tenant_id_created_at_idx|t|f"
        );
        assert_eq!(edge.db.psql("select count(*) from pg_constraint where conname like '%not_null'"), "0");
    });
}

#[test]
fn what_a_given_up_run_left_of_an_index_on_partitions_is_gone_on_with() {
    let edge = Edge::new(
        "create table logs (id int, tenant_id int not null, primary key (id)) partition by range (id);
         create table logs_1 partition of logs for values from (0) to (100);
         create table logs_2 partition of logs for values from (100) to (200);
         create index logs_tenant_id_id_idx on only logs (tenant_id, id);
         create index logs_1_tenant_id_id_idx on logs_1 (tenant_id, id);
         create table deep (id int, parent_id int not null references parents, primary key (id)) partition by range (id);
         create table deep_1 partition of deep for values from (0) to (100) partition by range (id);",
        "",
    );
    assert_eq!(edge.said("public.deep"), ["retrofit.tree"]);
    edge.db.psql("drop table deep");
    edge.project.on(&edge.db, &["retrofit", "apply"]).run().exits(0);
    let index = "select indisvalid from pg_index where indexrelid = 'logs_tenant_id_id_idx'::regclass";
    assert_eq!(edge.db.psql(index), "t");
    let again = edge.project.on(&edge.db, &["retrofit", "status"]).run();
    again.exits(0);
}

#[test]
fn no_table_is_filled_from_a_column_that_is_not_there_yet() {
    let edge = Edge::new(
        "create table a (id int primary key, parent_id int not null references parents);
         create table b (id int primary key, a_id int not null references a);
         insert into a values (1, 1); insert into b values (1, 1);",
        "",
    );
    let busy = edge.db.session();
    busy.ok("begin; lock table a in access share mode");
    edge.project
        .on(&edge.db, &["retrofit", "apply", "--lock-wait", "0"])
        .run()
        .exits(4);
    let columns = "select count(*) from pg_attribute where attname = 'tenant_id' and attrelid = 'a'::regclass";
    assert_eq!(edge.db.psql(columns), "0");
    assert_eq!(edge.tenant(1, "insert into b values (2, 1)"), "");
    busy.ok("rollback");
    edge.project.on(&edge.db, &["retrofit", "apply"]).run().exits(0);
    assert_eq!(edge.db.psql("select count(*) from b where tenant_id = 1"), "2");
}
