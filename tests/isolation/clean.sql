-- Takes a schema of the corpus away again: what roles with the prefix own and hold, every schema, and the roles.
do $$
declare
  name text;
begin
  for name in select rolname from pg_catalog.pg_roles where starts_with(rolname::text, '{prefix}') loop
    execute format('drop owned by %I cascade', name);
  end loop;
  for name in select nspname from pg_catalog.pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema' loop
    execute format('drop schema %I cascade', name);
  end loop;
  for name in select rolname from pg_catalog.pg_roles where starts_with(rolname::text, '{prefix}') loop
    execute format('drop role %I', name);
  end loop;
  create schema public;
  if current_setting('server_version_num')::integer >= 150000 then
    alter schema public owner to pg_database_owner;
    grant usage on schema public to public;
  else
    grant all on schema public to public;
  end if;
end $$;
