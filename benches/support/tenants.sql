-- A schema of many tenants' tables: 1,000 tables, 3,000 policies.
create role bench_app;
do $$ begin
  for i in 1..1000 loop
    execute format('create table t%s (
      id bigint generated always as identity primary key,
      tenant_id uuid not null,
      title text not null check (length(title) between 1 and 200),
      state text not null default ''open'',
      amount numeric(12, 2) not null default 0,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      notes text,
      assignee uuid,
      settings jsonb not null default ''{}''::jsonb)', i);
    execute format('create index on t%s (tenant_id, created_at desc)', i);
    execute format('alter table t%s enable row level security', i);
    execute format('grant select, insert, update, delete on t%s to bench_app', i);
    for j in 1..3 loop
      execute format('create policy p%s on t%s for %s to bench_app
        using (tenant_id = (select nullif(current_setting(''app.tenant_id'', true), '''')::uuid))',
        j, i, (array['select', 'update', 'delete'])[j]);
    end loop;
    -- One transaction for all would need a lock for each table.
    commit;
  end loop;
end $$;
analyze;
