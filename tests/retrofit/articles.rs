//! The schemas of five articles on row security, under `fixtures/articles`: from nothing that keeps tenants apart to tables that do, and back.

use serde_json::{Value, json};

use super::fingerprint;
use crate::support::db::TestDb;
use crate::support::project::Project;

/// An article: its folder, and how a session says whose it is.
struct Article {
    folder: &'static str,
    config: &'static str,
    /// The roles that its files name.
    roles: &'static [&'static str],
    column: &'static str,
    schemas: &'static [&'static str],
    /// Readable by all on purpose.
    shared: &'static [&'static str],
    /// What a tenant's session says.
    says: fn(&str) -> Value,
    /// The settings in which it says so.
    settings: &'static [&'static str],
    /// The key of a tenant, by its number.
    tenant: fn(usize) -> String,
}

fn uuid(tenant: usize) -> String {
    format!("{tenant}0000000-0000-4000-8000-000000000001")
}

fn number(tenant: usize) -> String {
    format!("{tenant}001")
}

const STUDIO: Article = Article {
    folder: "studio",
    config: "rlsctl.toml",
    roles: &["studio_web"],
    column: "studio_id",
    schemas: &["public"],
    shared: &["time_zones"],
    says: |tenant| json!({ "app.studio_id": tenant }),
    settings: &["app.studio_id"],
    tenant: uuid,
};

const SETTING: Article = Article {
    folder: "setting",
    config: "rlsctl.toml",
    roles: &["shop_web", "shop_reports"],
    column: "org_id",
    schemas: &["public", "billing"],
    shared: &[],
    says: |tenant| json!({ "app.org": tenant }),
    settings: &["app.org"],
    tenant: number,
};

const OWNER: Article = Article {
    folder: "owner",
    config: "rlsctl.toml",
    roles: &["notes_signed_in"],
    column: "owner_id",
    schemas: &["public"],
    shared: &[],
    says: |tenant| json!({ "request.jwt.claims": json!({ "sub": tenant }).to_string() }),
    settings: &["request.jwt.claims"],
    tenant: uuid,
};

const MEMBERSHIP: Article = Article {
    folder: "membership",
    config: "rlsctl.toml",
    roles: &["sales_signed_in"],
    column: "account_id",
    schemas: &["public"],
    shared: &["plans"],
    // A user has the number of the account.
    says: |tenant| json!({ "request.jwt.claims": json!({ "sub": tenant }).to_string() }),
    settings: &["request.jwt.claims"],
    tenant: uuid,
};

const GUIDE: Article = Article {
    folder: "guide",
    config: "rlsctl.toml",
    roles: &["guide_web"],
    column: "tenant_id",
    schemas: &["public"],
    shared: &["people", "features"],
    says: |tenant| json!({ "app.tenant_id": tenant, "app.person_id": tenant }),
    settings: &["app.tenant_id", "app.person_id"],
    tenant: uuid,
};

const TOKEN: Article = Article {
    config: "rlsctl-jwt.toml",
    says: |tenant| json!({ "request.jwt.claims": json!({ "app_metadata": { "tenant_id": tenant } }).to_string() }),
    settings: &["request.jwt.claims"],
    ..GUIDE
};

/// A project with an article's files, on a database of its own to which its migrations are applied.
struct Built {
    article: Article,
    project: Project,
    db: TestDb,
}

impl Built {
    fn new(article: Article) -> Self {
        let (db, project) = (TestDb::new(), Project::new());
        let folder = format!("fixtures/articles/{}", article.folder);
        project.copy(&folder, "");
        let built = Self { article, project, db };
        // Roles are the cluster's, and other tests are at work.
        let mut files = vec!["roles.sql".to_owned(), built.article.config.to_owned()];
        files.extend(built.migrations());
        for file in files {
            let text = built.named(&built.project.read(&file));
            built.project.file(&file, text);
        }
        let config = built.project.read(built.article.config);
        built.project.config(&config);
        built.db.psql(&built.project.read("roles.sql"));
        built.project.on(&built.db, &["migrate"]).run().exits(0);
        built.db.psql("vacuum analyze");
        built
    }

    fn migrations(&self) -> Vec<String> {
        let entries = fs_err::read_dir(self.project.path().join("migrations")).unwrap();
        entries
            .map(|it| format!("migrations/{}", it.unwrap().file_name().into_string().unwrap()))
            .collect()
    }

    fn named(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for role in self.article.roles {
            text = text.replace(role, &self.role(role));
        }
        text
    }

    fn role(&self, role: &str) -> String {
        format!("{}_{role}", self.db.name())
    }

    /// Returns a hash of the rows of each table; the time of the last change apart, which the application's own triggers write at each.
    fn rows(&self) -> String {
        self.db.psql(
            "select c.oid::regclass, (xpath('/row/h/text()', query_to_xml(format(
               'select md5(string_agg(r, '','' order by r)) as h from (select (to_jsonb(t) - ''updated_at'')::text as r from %s t) t', c.oid::regclass), true, true, '')))[1]
             from pg_class c where c.relkind in ('r', 'p') and c.relnamespace::regnamespace::text not in ('pg_catalog', 'information_schema', 'rlsctl')
             order by 1",
        )
    }

    fn names(&self, sql: &str) -> Vec<String> {
        self.db.psql(sql).split('\n').map(str::to_owned).collect()
    }

    fn tables_with_the_column(&self) -> Vec<String> {
        self.names(&format!(
            "select attrelid::regclass from pg_attribute join pg_class c on c.oid = attrelid where c.relkind in ('r', 'p') and attname = '{}'",
            self.article.column
        ))
    }

    /// Acts as each tenant; returns how much was tried.
    fn act(&self, had: &[String]) -> usize {
        let tenants: Vec<String> = (1..=3).map(self.article.tenant).collect();
        let says: Vec<Value> = tenants.iter().map(|tenant| (self.article.says)(tenant)).collect();
        let list = |items: &[String]| {
            format!(
                "'{{{}}}'",
                items.iter().map(|item| quoted(item)).collect::<Vec<_>>().join(",")
            )
        };
        let owned = |items: &[&str]| items.iter().map(|&item| item.to_owned()).collect::<Vec<String>>();
        let found = self.db.psql(&format!(
            "{}\nselect * from pg_temp.acted('{}', '{}', {}, '{}', {}, {}, {})",
            include_str!("acting.sql"),
            self.role(self.article.roles[0]),
            Value::from(says),
            list(&tenants),
            self.article.column,
            list(had),
            list(&owned(self.article.shared)),
            list(&owned(self.article.schemas)),
        ));
        let (wrong, checks): (Vec<&str>, Vec<&str>) = found.split('\n').partition(|line| !line.ends_with('|'));
        assert!(
            wrong.is_empty(),
            "{}: {} wrong\n{}",
            self.article.folder,
            wrong.len(),
            wrong.join("\n")
        );
        checks[0].trim_end_matches('|').parse().unwrap()
    }

    /// Nobody sees nothing, whether nothing was ever said or what was said has ended with its transaction.
    fn nobody(&self) {
        let schemas: Vec<String> = self
            .article
            .schemas
            .iter()
            .map(|schema| format!("'{schema}'"))
            .collect();
        let shared: Vec<String> = self.article.shared.iter().map(|table| format!("'{table}'")).collect();
        let relations = self.names(&format!(
            "select c.oid::regclass from pg_class c where c.relnamespace::regnamespace::text in ({}) and c.relkind in ('r', 'p', 'v') and not c.relispartition
             and c.oid::regclass::text not in ({}) and (c.relkind <> 'v' or current_setting('server_version_num')::int >= 150000)",
            schemas.join(", "),
            if shared.is_empty() { "''".to_owned() } else { shared.join(", ") }
        ));
        let said: Vec<String> = (self.article.settings.iter())
            .map(|setting| format!("set local {setting} = '{}'; ", (self.article.tenant)(1)))
            .collect();
        let ended = said.concat();
        let counts: Vec<String> = relations
            .iter()
            .map(|relation| format!("select '{}', count(*) from {relation}", relation.replace('\'', "''")))
            .collect();
        for role in self.article.roles {
            for before in [String::new(), format!("begin; {ended}commit; ")] {
                let sql = format!("{before}set role {}; {}", self.role(role), counts.join("; "));
                let seen = self.db.psql(&sql);
                let wrong: Vec<&str> = seen.split('\n').filter(|line| !line.ends_with("|0")).collect();
                assert!(
                    wrong.is_empty() && seen.split('\n').count() == relations.len(),
                    "{before}: {wrong:?}"
                );
            }
        }
    }

    /// `audit` finds nothing that would have to be done, and says of nothing that it cannot tell.
    fn is_clean(&self) {
        let run = self.project.on(&self.db, &["--format", "json", "audit"]).run();
        let document = run.json();
        let findings = document["findings"].as_array().unwrap();
        let is_open = |finding: &&Value| {
            finding["severity"] != "info" || finding["code"].as_str().is_some_and(|code| code.starts_with("audit."))
        };
        let open: Vec<&Value> = findings.iter().filter(is_open).collect();
        assert!(open.is_empty(), "{open:#?}");
        run.exits(0);
    }

    fn retrofit(&self, args: &[&str]) {
        let mut all = vec!["retrofit"];
        all.extend(args);
        self.project.on(&self.db, &all).run().exits(0);
    }
}

impl Drop for Built {
    fn drop(&mut self) {
        for role in self.article.roles {
            let role = self.role(role);
            let _ = self.db.try_psql(&format!("drop owned by {role}; drop role {role}"));
        }
    }
}

/// An element of an array's text.
fn quoted(item: &str) -> String {
    format!("\"{}\"", item.replace('\\', "\\\\").replace('"', "\\\""))
}

/// All the way there, acting as everybody, and all the way back.
fn there_and_back(article: Article, at_least: usize) {
    let built = Built::new(article);
    let (catalog, rows) = (fingerprint(&built.db), built.rows());
    let had = built.tables_with_the_column();
    built.retrofit(&["apply"]);
    built.retrofit(&["status"]);
    let tried = built.act(&had);
    assert!(tried >= at_least, "{tried}");
    built.nobody();
    built.is_clean();
    built.retrofit(&["undo", "--all"]);
    assert_eq!(built.rows(), rows);
    assert_eq!(fingerprint(&built.db), catalog);
}

#[test]
fn a_studio_of_46_tables() {
    there_and_back(STUDIO, 46 * 3 * 9);
}

#[test]
fn a_number_in_a_setting() {
    there_and_back(SETTING, 12 * 3 * 9);
}

#[test]
fn rows_of_a_person() {
    there_and_back(OWNER, 8 * 3 * 9);
}

#[test]
fn members_of_accounts() {
    there_and_back(MEMBERSHIP, 28 * 3 * 9);
}

#[test]
fn one_active_tenant_of_a_member() {
    there_and_back(GUIDE, 8 * 3 * 8);
}

#[test]
fn a_tenant_in_a_token() {
    there_and_back(TOKEN, 8 * 3 * 8);
}
