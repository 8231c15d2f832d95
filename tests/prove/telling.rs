//! How it is told, and when it is not tried.

use super::{Bench, one};
use crate::support::project::Project;

#[test]
fn a_leak_comes_with_what_shows_it() {
    let bench = Bench::new();
    bench.sql("alter policy apart on notes using (true); alter table notes add secret text default 'hush'");
    let proof = bench.json(1);
    let read = one(&proof, "public.notes", "select", "LEAK");
    assert_eq!(read["evidence"]["row"]["secret"], "hush");
    let script = read["script"].as_str().unwrap();
    assert!(bench.db.psql(script).contains("hush"), "{script}");
    for command in ["insert", "update", "delete"] {
        let script = one(&proof, "public.notes", command, "LEAK")["script"].as_str().unwrap();
        let before = bench.picture();
        bench.db.psql(script);
        assert_eq!(bench.picture(), before, "{script}");
    }
    let masked = bench.run(&["--redact"]).exits(1);
    assert!(
        !masked.stdout.contains("hush") && masked.stdout.contains("***"),
        "{}",
        masked.stdout
    );
    assert!(masked.stdout.contains("tenants are not apart"), "{}", masked.stdout);
    for (format, word) in [
        ("sarif", "leak.read"),
        ("github", "leak.update"),
        ("junit", "leak.delete"),
        ("markdown", "leak.insert"),
    ] {
        let run = bench.run(&["--format", format]).exits(1);
        assert!(run.stdout.contains(word), "{format}: {}", run.stdout);
    }
    bench.gone();
}

#[test]
fn tenants_may_be_named() {
    let bench = Bench::new();
    let proof = bench
        .run(&["--tenant", "2", "--tenant", "1", "--format", "json"])
        .exits(0)
        .json();
    assert_eq!(
        (&proof["tenants"]["acts"], &proof["tenants"]["is_to_be_reached"]),
        (&"2".into(), &"1".into())
    );
    bench.run(&["--tenant", "2"]).exits(2);
    let nobody = bench.run(&["--tenant", "2", "--tenant", "7"]).exits(1);
    assert!(nobody.stdout.contains("tenant 7 has no rows here"), "{}", nobody.stdout);
    bench.gone();
}

#[test]
fn production_is_left_alone() {
    let bench = Bench::new();
    let project = Project::new();
    project.config(&format!(
        "[targets.prod]\nurl = '{}'\nproduction = true\n[tenancy]\n{}",
        bench.db.url(),
        bench.toml
    ));
    let refused = project.rlsctl(&["prove"]).run().exits(6);
    assert!(refused.stderr.contains("marked as production"), "{}", refused.stderr);
    project.rlsctl(&["prove", "--yes"]).run().exits(0);
    bench.gone();
}

#[test]
fn a_table_that_is_shared_is_read_and_not_written() {
    let mut bench = Bench::new();
    bench.sql("create table plans (id int primary key); grant select on plans to $app");
    bench.toml.push_str("[tenancy.tables.'public.plans']\nshared = true\n");
    assert_eq!(
        one(&bench.json(0), "public.plans", "select", "PROVEN")["tier"],
        "static"
    );
    bench.sql("grant insert on plans to $app");
    one(&bench.json(1), "public.plans", "insert", "UNKNOWN");
    bench.gone();
}

/// As much of pgTAP as the tests need; the real one has more.
const PGTAP: &str = "
  create function plan(n int) returns text language sql as $$ select '1..' || n $$;
  create function finish() returns setof text language sql as $$ select null::text where false $$;
  create function is(have text, want text, title text) returns text language sql as
    $$ select case when have is not distinct from want then 'ok' else 'not ok' end || ' - ' || title $$;";

#[test]
fn probes_become_tests_that_run_without_us() {
    let bench = Bench::new();
    let project = Project::new();
    project.config(&format!("[tenancy]\n{}", bench.toml));
    let emit = ["prove", "--emit", "pgtap", "tap"];
    project.on(&bench.db, &emit).run().exits(0);
    project.on(&bench.db, &emit).run().exits(6);
    bench.sql(PGTAP);
    let results = |bench: &Bench| -> Vec<String> {
        let files = fs_err::read_dir(project.path().join("tap")).unwrap();
        let texts = files.map(|file| fs_err::read_to_string(file.unwrap().path()).unwrap());
        let lines: Vec<String> = texts.map(|text| bench.db.psql(&text)).collect();
        lines
            .iter()
            .flat_map(|text| text.split('\n'))
            .filter(|line| line.contains("ok - "))
            .map(str::to_owned)
            .collect()
    };
    let proven = results(&bench);
    assert!(
        proven.len() > 30 && proven.iter().all(|line| line.starts_with("ok")),
        "{proven:#?}"
    );
    let before = bench.picture();
    bench.sql("alter policy apart on notes using (true)");
    let broken = results(&bench);
    for command in ["select", "insert", "update", "delete"] {
        let wanted = format!("not ok - nothing of another tenant is reached: {command} on public.notes");
        assert!(
            broken.iter().any(|line| line.starts_with(&wanted)),
            "{command}: {broken:#?}"
        );
    }
    bench
        .sql("alter policy apart on notes using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::int)");
    assert_eq!(bench.picture(), before);
    bench.gone();
}
