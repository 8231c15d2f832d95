//! The templates of policies as `retrofit` makes them, on one table of tenants' tasks: what a test looks at and a bench measures.

/// How a session says whose it is, and what it compares that with.
pub(crate) struct Template {
    /// What it is called.
    pub(crate) name: &'static str,
    /// What `[tenancy]` says of it.
    pub(crate) config: &'static str,
    /// The column of the tasks that is compared.
    pub(crate) column: &'static str,
    /// Whether it is one value, so that an index keeps its order.
    pub(crate) is_one: bool,
}

const MEMBER: &str = "identity = 'membership'\nuser = { function = 'auth.uid' }\n";

/// All of them.
pub(crate) const TEMPLATES: [Template; 5] = [
    Template {
        name: "setting",
        config: "identity = 'setting'",
        column: "tenant_id",
        is_one: true,
    },
    Template {
        name: "jwt",
        config: "identity = 'jwt'",
        column: "tenant_id",
        is_one: true,
    },
    Template {
        name: "membership, one",
        config: "{member}membership = { table = 'public.memberships', user = 'user_id', tenant = 'tenant_id' }",
        column: "tenant_id",
        is_one: true,
    },
    Template {
        name: "membership, all",
        config: "{member}membership = { table = 'public.memberships', user = 'user_id', tenant = 'tenant_id', all = true }",
        column: "tenant_id",
        is_one: false,
    },
    Template {
        name: "owner",
        config: "identity = 'owner'\ncolumn = 'owner_id'\nuser = { function = 'auth.uid' }
             tables.'public.memberships' = { shared = true }\ntables.'public.tenants' = { shared = true }",
        column: "owner_id",
        is_one: true,
    },
];

impl Template {
    /// Returns `rlsctl.toml` with it.
    pub(crate) fn project(&self, app: &str) -> String {
        let config = self.config.replace("{member}", MEMBER);
        format!("[migrations]\ndir = 'migrations'\n\n[tenancy]\napp_roles = ['{app}']\n{config}\n")
    }
}

/// Returns the tables: the tenants, a user of each, and `rows` tasks. Tenant and user have one number, `uuid(n)`; every tenth tenant has
/// ten times as many tasks as others.
pub(crate) fn schema(app: &str, rows: usize, tenants: usize) -> String {
    format!(
        "create schema auth;
         create function auth.uid() returns uuid language sql stable parallel safe as
           $$ select (nullif(current_setting('request.jwt.claims', true), '')::json ->> 'sub')::uuid $$;
         grant usage on schema auth to {app};
         create function number(n int) returns uuid language sql immutable as $$ select lpad(n::text, 32, '0')::uuid $$;
         create table tenants (id uuid primary key);
         create table memberships (user_id uuid not null, tenant_id uuid not null references tenants, primary key (user_id, tenant_id));
         create table tasks (id bigint generated always as identity primary key, tenant_id uuid not null references tenants,
           owner_id uuid not null, title text not null, created_at timestamptz not null);
         insert into tenants select number(n) from generate_series(1, {tenants}) n;
         insert into memberships select id, id from tenants;
         insert into tasks (tenant_id, owner_id, title, created_at)
           select of, of, 'task ' || n, now() - n * interval '1 second'
           from (select n, number(1 + case when n % 2 = 0 then n / 2 % {tenants} else n / 20 % ({tenants} / 10) * 10 end) of
                 from generate_series(1, {rows}) n) t;
         create index on tasks (tenant_id, created_at);
         create index on tasks (owner_id, created_at);
         create index on memberships (tenant_id);
         grant usage on schema public to {app};
         grant select, insert, update, delete on all tables in schema public to {app};
         analyze;"
    )
}

/// Returns what a session of a tenant's only user says, for any of the templates.
pub(crate) fn says(tenant: usize) -> String {
    format!(
        "set app.tenant_id = '{0}'; set request.jwt.claims = '{{\"sub\": \"{0}\", \"app_metadata\": {{\"tenant_id\": \"{0}\"}}}}'",
        uuid(tenant)
    )
}

/// Returns the tenant, or its user, of a number.
pub(crate) fn uuid(number: usize) -> String {
    let digits = format!("{number:032}");
    format!(
        "{}-{}-{}-{}-{}",
        &digits[..8],
        &digits[8..12],
        &digits[12..16],
        &digits[16..20],
        &digits[20..]
    )
}
