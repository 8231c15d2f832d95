//! What policies cost: each rule clean, broken, fixed, and where it only looks broken.

use super::found;

/// A table with an index on the tenant, and a policy.
fn with_policy(using: &str) -> String {
    format!(
        "create table t (id int primary key, tenant_id uuid not null, code varchar(9), at timestamptz);
         create index on t (tenant_id, at desc);
         create table members (person text, tenant_id uuid not null, primary key (person, tenant_id));
         create index on members (tenant_id);
         alter table members enable row level security;
         create policy m on members to {{app}} using (person = current_setting('app.user', true));
         create function tenants() returns setof uuid language sql stable parallel safe security definer set search_path = '' as
           $$ select m.tenant_id from public.members m where m.person = pg_catalog.current_setting('app.user', true) $$;
         create function tenant() returns uuid language plpgsql stable parallel safe as
           $$ begin return nullif(pg_catalog.current_setting('app.tenant_id', true), '')::uuid; end $$;
         create function is_mine(one uuid) returns boolean language plpgsql stable parallel safe as
           $$ begin return one = nullif(pg_catalog.current_setting('app.tenant_id', true), '')::uuid; end $$;
         create function is_admin() returns boolean language plpgsql stable as $$ begin return false; end $$;
         grant select, insert, update, delete on t to {{app}};
         alter table t enable row level security;
         create policy p on t to {{app}} using ({using});"
    )
}

/// Returns what is said of costs.
fn costs(schema: &str) -> Vec<String> {
    let mut found = found(schema);
    found.retain(|line| line.contains(" perf."));
    found
}

#[test]
fn an_index_that_begins_with_the_tenant() {
    let none: [&str; 0] = [];
    assert_eq!(costs(&with_policy("{mine}")), none);
    let without = with_policy("{mine}").replace("create index on t (tenant_id, at desc);", "");
    assert_eq!(costs(&without), ["warning perf.no-index public.t"]);
    for other in [
        "create index on t (at, tenant_id);",
        "create index on t (tenant_id) where at is not null;",
        "create index on t using brin (tenant_id);",
    ] {
        assert_eq!(
            costs(&format!("{without}{other}")),
            ["warning perf.no-index public.t"],
            "{other}"
        );
    }
    // A table that is known to be small is read as a whole in no time, and a partition has its parent's index.
    let small =
        format!("{without} insert into t select n, gen_random_uuid() from generate_series(1, 50) n; analyze t;");
    assert_eq!(costs(&small), ["info perf.no-index public.t"]);
    let fixed = format!("{without} alter table t add unique (tenant_id, id);");
    assert_eq!(costs(&fixed), none);
}

#[test]
fn the_column_stays_bare() {
    let none: [&str; 0] = [];
    let cast = with_policy("tenant_id::text = current_setting('app.tenant_id', true)");
    assert_eq!(costs(&cast), ["warning perf.cast public.t"]);
    let lower = with_policy("lower(tenant_id::text) = lower(current_setting('app.tenant_id', true))");
    assert_eq!(costs(&lower), ["info perf.cast public.t"]);
    // The index on the text answers it; and what is found by an index may be asked anything else.
    let indexed = format!("{cast} create index on t ((tenant_id::text));");
    assert_eq!(costs(&indexed), none);
    assert_eq!(
        costs(&with_policy("{mine} and code::text = 'x' and at::text = 'y'")),
        none
    );
}

#[test]
fn in_and_exists_are_filters() {
    let none: [&str; 0] = [];
    let call = with_policy("tenant_id in (select tenants())");
    assert_eq!(costs(&call), ["warning perf.subquery public.t"]);
    assert_eq!(
        costs(&with_policy("tenant_id in (select x from tenants() x)")),
        ["warning perf.subquery public.t"]
    );
    let query = "tenant_id in (select m.tenant_id from members m where m.person = current_setting('app.user', true))";
    assert_eq!(costs(&with_policy(query)), ["info perf.subquery public.t"]);
    let exists = "exists (select from members m where m.tenant_id = t.tenant_id and m.person = current_setting('app.user', true))";
    assert_eq!(costs(&with_policy(exists)), ["info perf.subquery public.t"]);
    assert_eq!(costs(&with_policy("tenant_id = any (array(select tenants()))")), none);
    assert_eq!(costs(&with_policy("{mine} and tenant_id in (select tenants())")), none);
}

#[test]
fn what_is_joined_by_or() {
    let none: [&str; 0] = [];
    let admin = with_policy("{mine} or (select is_admin())");
    assert!(
        costs(&admin).contains(&"warning perf.or public.t".to_owned()),
        "{:?}",
        costs(&admin)
    );
    let second = format!(
        "{} create policy q on t for select using (current_user = 'nobody');",
        with_policy("{mine}")
    );
    assert_eq!(costs(&second), ["info perf.or public.t"]);
    let both = format!(
        "{} create policy q on t for select to {{app}} using ({{mine}} and at is null);",
        with_policy("{mine}")
    );
    assert_eq!(costs(&both), ["info perf.permissive-policies public.t"]);
    // Another role's, another command's, and one that only narrows.
    for other in [
        "create role {app}_other; create policy q on t to {app}_other using (true);",
        "create policy q on t for insert with check ({mine});",
        "create policy q on t as restrictive using (at is not null);",
    ] {
        assert_eq!(costs(&format!("{}{other}", with_policy("{mine}"))), none, "{other}");
    }
}

#[test]
fn functions_are_wrapped_and_parallel_safe() {
    let none: [&str; 0] = [];
    assert_eq!(
        costs(&with_policy("tenant_id = tenant()")),
        ["info perf.unwrapped public.t"]
    );
    assert_eq!(costs(&with_policy("tenant_id = (select tenant())")), none);
    assert_eq!(
        costs(&with_policy("is_mine(tenant_id)")),
        ["info perf.per-row public.t"]
    );
    let unsafe_one = with_policy("tenant_id = (select tenant())").replace(
        "stable parallel safe as\n           $$ begin return nullif",
        "stable as\n           $$ begin return nullif",
    );
    assert_eq!(costs(&unsafe_one), ["info perf.parallel-unsafe public.tenant()"]);
}

#[test]
fn indexes_that_are_asked_after_the_policies() {
    let schema = format!(
        "{} alter table t add amount numeric, add tags text[], add note text; create index on t (tenant_id, amount); create index on t (note);",
        with_policy("{mine}")
    );
    assert_eq!(costs(&schema), ["info perf.not-leakproof public.t"]);
}
