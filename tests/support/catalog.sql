-- Purpose: all that migrations can make, outside of the system's schemas and our ledger, as sorted text.
-- Parameters: none. Privileges: none beyond CONNECT. Lowest server version: 13.
with space as (
    select oid, nspname
    from pg_catalog.pg_namespace
    where nspname !~ '^pg_' and nspname not in ('information_schema', 'rlsctl')
)
select line from (
    select 'schema ' || nspname as line from space
    union all
    select pg_catalog.format('relation %s.%s kind=%s rls=%s force=%s acl=%s view=%s', nspname, relname, relkind,
        relrowsecurity, relforcerowsecurity, relacl,
        case when relkind in ('v', 'm') then pg_catalog.pg_get_viewdef(c.oid) end)
    from pg_catalog.pg_class c join space on space.oid = relnamespace where relkind <> 'i'
    union all
    select pg_catalog.format('column %s.%s.%s %s not_null=%s default=%s position=%s', nspname, relname, attname,
        pg_catalog.format_type(atttypid, atttypmod), attnotnull, pg_catalog.pg_get_expr(adbin, adrelid),
        pg_catalog.row_number() over (partition by attrelid order by attnum))
    from pg_catalog.pg_attribute a
    join pg_catalog.pg_class c on c.oid = attrelid and relkind in ('r', 'p', 'v', 'm', 'f', 'c')
    join space on space.oid = relnamespace
    left join pg_catalog.pg_attrdef d on adrelid = attrelid and adnum = attnum
    where attnum > 0 and not attisdropped
    union all
    select pg_catalog.format('index %s valid=%s', pg_catalog.pg_get_indexdef(indexrelid), indisvalid)
    from pg_catalog.pg_index join pg_catalog.pg_class c on c.oid = indrelid join space on space.oid = relnamespace
    union all
    select pg_catalog.format('constraint %s on %s: %s', conname, conrelid::regclass, pg_catalog.pg_get_constraintdef(c.oid))
    from pg_catalog.pg_constraint c join space on space.oid = connamespace
    union all
    select pg_catalog.format('policy %s', p::text) from pg_catalog.pg_policies p join space on nspname = schemaname
    union all
    select pg_catalog.format('function %s acl=%s %s', p.oid::regprocedure, proacl,
        case when prokind <> 'a' then pg_catalog.pg_get_functiondef(p.oid) end)
    from pg_catalog.pg_proc p join space on space.oid = pronamespace
    union all
    select pg_catalog.format('trigger %s', pg_catalog.pg_get_triggerdef(t.oid))
    from pg_catalog.pg_trigger t
    join pg_catalog.pg_class c on c.oid = tgrelid join space on space.oid = relnamespace
    where not tgisinternal
    union all
    select pg_catalog.format('enum %s.%s: %s', nspname, typname, pg_catalog.string_agg(enumlabel, ',' order by enumsortorder))
    from pg_catalog.pg_enum join pg_catalog.pg_type t on t.oid = enumtypid join space on space.oid = typnamespace
    group by nspname, typname
    union all
    select pg_catalog.format('comment %s: %s', pg_catalog.pg_describe_object(classoid, objoid, objsubid), description)
    from pg_catalog.pg_description
    where objoid >= 16384 and pg_catalog.pg_describe_object(classoid, objoid, objsubid) !~ '\mrlsctl\.'
) all_lines
order by line collate "C";
