//! The examples of `docs/drivers.md`, each run with its driver against policies that `retrofit apply` has made: directly, and
//! through a pooler in transaction mode that has one connection to the server.

mod kit;
mod page;
mod wrong;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use fs_err as fs;
use serde_json::{Value, json};

use crate::support::db::TestDb;
use crate::support::pgbouncer::PgBouncer;
use crate::support::project::Project;

const A: &str = "aaaaaaaa-0000-4000-8000-00000000000a";
const B: &str = "bbbbbbbb-0000-4000-8000-00000000000b";

/// Three tenants with three tasks each, whose first digit says whose they are.
const SCHEMA: &str = "
  create table tenants (id uuid primary key, name text not null);
  create table projects (id int primary key, tenant_id uuid not null references tenants, name text not null);
  create table tasks (id int primary key, project_id int not null references projects on delete cascade, title text not null);
  insert into tenants select (repeat(l, 8) || '-0000-4000-8000-00000000000' || l)::uuid, l from unnest('{a,b,c}'::text[]) l;
  insert into projects select row_number() over (order by id), id, name from tenants;
  insert into tasks select 10 * p.id + n, p.id, 'task' from projects p, generate_series(1, 3) n;";

/// A database under enforced policies, and an application's role that may log in.
#[derive(Debug)]
struct Enforced {
    db: TestDb,
    app: String,
}

impl Enforced {
    /// Returns a copy of one that a setting rules, which is made once. The role is the copies' too, and stays.
    fn new() -> Self {
        static FIRST: OnceLock<Enforced> = OnceLock::new();
        let first = FIRST.get_or_init(|| Self::with(""));
        Self {
            db: TestDb::copy_of(&first.db),
            app: first.app.clone(),
        }
    }

    /// Makes one; `identity` is added to `[tenancy]`.
    fn with(identity: &str) -> Self {
        let db = TestDb::new();
        let app = format!("{}_app", db.name());
        db.psql(SCHEMA);
        db.psql(&format!(
            "create role {app} login; grant usage on schema public to {app};
             grant select, insert, update, delete on all tables in schema public to {app}"
        ));
        let project = Project::new();
        project
            .migration("0001_first.sql", "select 1;")
            .config(&format!("[tenancy]\napp_roles = ['{app}']\n{identity}\n"));
        project.on(&db, &["migrate"]).run().exits(0);
        project.on(&db, &["retrofit", "apply"]).run().exits(0);
        project.on(&db, &["retrofit", "status"]).run().exits(0);
        Self { db, app }
    }

    /// A pooler with one connection to the server: whatever a client leaves behind, the next one finds.
    fn pooler(&self) -> PgBouncer {
        PgBouncer::with_user(self.db.server(), 1, &self.app)
    }

    /// How a driver reaches a server's or a pooler's socket: by a URL, whose scheme is the driver's own, and by the environment.
    /// Drivers disagree on sockets in URLs; where there is no other way, the environment names it.
    fn reach(&self, (folder, port): &Place, scheme: &str) -> Reach {
        let (app, name, encoded) = (
            &self.app,
            self.db.name(),
            folder.display().to_string().replace('/', "%2F"),
        );
        let url = match scheme {
            "postgresql" => format!("postgresql://{app}@{encoded}:{port}/{name}"),
            other => format!("{other}:///{name}"),
        };
        let env = vec![
            ("DATABASE_URL", url.clone().into()),
            ("PGHOST", folder.into()),
            ("PGPORT", port.to_string().into()),
            ("PGUSER", app.into()),
            ("PGDATABASE", name.into()),
        ];
        Reach { url, env }
    }

    /// Directly, and through the pooler.
    fn places(&self, pooler: &PgBouncer) -> [Place; 2] {
        let server = self.db.server();
        [(server.socket_dir().to_owned(), server.port()), pooler.place()]
    }
}

/// A socket's folder and port.
type Place = (PathBuf, u16);

/// How one is reached.
#[derive(Debug)]
struct Reach {
    url: String,
    env: Vec<(&'static str, OsString)>,
}

/// A folder with an example and what asks it.
fn folder(files: &[&str]) -> Project {
    let project = Project::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for name in files {
        let from = ["docs/drivers", "tests/drivers"].map(|dir| root.join(dir).join(name));
        let from = from.iter().find(|it| it.exists()).unwrap_or_else(|| panic!("{name}"));
        project.file(name, fs::read(from).unwrap());
    }
    project
}

/// The scenario's outcome that every driver has to come to.
fn assert_apart(driver: &str, seen: &Value) {
    let expected = json!({
        "tenants": [[11, 12, 13], [21, 22, 23], [31, 32, 33]],
        "nobody": [],
        "malformed": "22P02",
        "own": "accepted",
        "filled": "accepted",
        "foreign": "42501",
        "after_insert": [11, 12, 13, 14, 15],
        "failed": "22012",
        "together": ["a: 11,12,13,14,15", "b: 21,22,23", "c: 31,32,33"],
    });
    for (what, value) in expected.as_object().unwrap() {
        assert_eq!(&seen[what], value, "{driver}: {what} in {seen}");
    }
    let after = seen["after"].as_array().unwrap();
    assert_eq!(after.len(), 10, "{driver}: {seen}");
    for state in after {
        assert_eq!(state["rows"], 0, "{driver}: {seen}");
        // NULL on a connection that never was a tenant's, '' on one that was.
        assert!(state["setting"].as_str().unwrap_or("").is_empty(), "{driver}: {seen}");
    }
}

/// Runs a driver's scenario directly and through the pooler, from the same rows each time.
fn both_ways(driver: &str, scheme: &str, scenario: &dyn Fn(&Reach) -> Value) -> Vec<Value> {
    let enforced = Enforced::new();
    let pooler = enforced.pooler();
    let places = enforced.places(&pooler);
    let run = |(at, place)| {
        let way = ["directly", "through the pooler"][at];
        let mut reach = enforced.reach(place, scheme);
        reach.env.push(("WAY", OsString::from(way)));
        let seen = scenario(&reach);
        assert_apart(&format!("{driver} {way}"), &seen);
        // The pooler's one connection has been each tenant's: it has to have been emptied.
        assert!(
            at == 0 || seen["after"].as_array().unwrap().iter().all(|it| it["setting"] == ""),
            "{seen}"
        );
        enforced.db.psql("delete from tasks where title = 'new'");
        seen
    };
    places.iter().enumerate().map(run).collect()
}

/// `sqlstate` is where the page says that an error has it.
fn javascript(driver: &str, scheme: &str, sqlstate: &str, prepare: &dyn Fn(&Project)) -> Option<Vec<Value>> {
    let modules = kit::node(driver)?;
    let (example, check) = (format!("{driver}.mjs"), format!("{driver}_.mjs"));
    let project = folder(&[&example, &check, "scenario.mjs"]);
    std::os::unix::fs::symlink(&modules, project.path().join("node_modules")).unwrap();
    prepare(&project);
    let seen = both_ways(driver, scheme, &|reach| {
        kit::printed(&project.path(), "node", &[&check], &reach.env)
    });
    // What is asked beside the transaction, while it lasts.
    assert_eq!(seen[0]["beside"]["rows"], 0, "{driver}");
    assert_eq!(seen[0]["where"], json!([sqlstate]), "{driver}");
    Some(seen)
}

#[test]
fn pg() {
    javascript("pg", "postgresql", "error.code", &|_| ());
}

#[test]
fn postgres_js() {
    javascript("postgres", "postgres", "error.code", &|_| ());
}

#[test]
fn drizzle() {
    let seen = javascript("drizzle", "postgresql", "error.cause.code", &|_| ());
    for (seen, other) in seen.unwrap_or_default().iter().zip(["accepted", "42P05"]) {
        // A savepoint's end leaves its tenant to the rest, and a name is taken behind the pooler.
        assert_eq!(seen["nested"], json!([21, 22, 23]));
        let mut named = ["accepted", other];
        named.sort_unstable();
        assert_eq!(seen["named"], json!(named));
    }
}

/// Makes Prisma's client from its schema, as `prisma generate` does.
fn generate(project: &Project) {
    project.file(
        "schema.prisma",
        fs::read(kit::examples().join("schema.prisma")).unwrap(),
    );
    let generated = Command::new("node")
        .arg(project.path().join("node_modules/prisma/build/index.js"))
        .args(["generate", "--schema", "schema.prisma"])
        .current_dir(project.path())
        .env("CHECKPOINT_DISABLE", "1")
        // It would download this one, which only migrations need.
        .env("PRISMA_SCHEMA_ENGINE_BINARY", "/bin/true")
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&generated.stderr);
    assert!(generated.status.success(), "{stderr}");
}

#[test]
fn prisma() {
    let sqlstate = "error.meta.driverAdapterError.cause.originalCode";
    for seen in javascript("prisma", "postgresql", sqlstate, &generate).unwrap_or_default() {
        // $transaction of a list.
        assert_eq!(seen["list"], 5);
    }
}

fn in_python(driver: &str, scheme: &str, files: &[&str], check: &str) -> Option<Vec<Value>> {
    let packages = kit::python(driver)?;
    let project = folder(files);
    let run = |reach: &Reach| {
        let mut env = reach.env.clone();
        env.push(("PYTHONPATH", packages.clone().into()));
        kit::printed(&project.path(), "python3", &[check], &env)
    };
    Some(both_ways(driver, scheme, &run))
}

#[test]
fn sqlalchemy() {
    let files = ["sqlalchemy_.py", "sqlalchemy_check.py", "scenario.py"];
    let seen = in_python("sqlalchemy", "postgresql+psycopg", &files, "sqlalchemy_check.py");
    for seen in seen.unwrap_or_default() {
        assert_eq!(seen["where"], json!(["error.orig.sqlstate"]));
        // What goes on after its COMMIT is nobody's.
        assert_eq!(
            (&seen["goes_on"], &seen["outlived"]),
            (&json!([5, 0]), &json!("detached"))
        );
    }
}

#[test]
fn django() {
    let files = ["django_.py", "django_check.py", "settings.py", "scenario.py"];
    let seen = in_python("django", "postgresql", &files, "django_check.py");
    for seen in seen.unwrap_or_default() {
        assert_eq!(seen["where"], json!(["error.__cause__.sqlstate"]));
        // A query set that is read behind the block, an atomic() around it, and a tenant set without a transaction.
        assert_eq!(
            (&seen["late"], &seen["nested"], &seen["autocommit"]),
            (&json!(0), &json!("refused"), &json!(0))
        );
    }
}

#[test]
fn sqlx() {
    let Some(program) = kit::sqlx("sqlx") else { return };
    both_ways("sqlx", "postgresql", &|reach| {
        kit::printed(Path::new("/"), &program, &[], &reach.env)
    });
}

#[test]
fn claims() {
    let Some(modules) = kit::node("claims") else { return };
    let enforced = Enforced::with(
        "identity = 'jwt'\nclaim = ['app_metadata', 'tenant_id']\nclaims_setting = 'request.jwt.claims'",
    );
    let project = folder(&["claims.mjs", "claims_.mjs", "postgres.mjs"]);
    std::os::unix::fs::symlink(modules, project.path().join("node_modules")).unwrap();
    let pooler = enforced.pooler();
    for place in enforced.places(&pooler) {
        let reach = enforced.reach(&place, "postgres");
        let seen = kit::printed(&project.path(), "node", &["claims_.mjs"], &reach.env);
        assert_eq!(seen["seen"], json!([[11, 12, 13], [21, 22, 23], [], []]));
        assert_eq!(seen["after"], json!({"rows": 0, "setting": ""}));
    }
}
