-- Acts as each of three tenants on every table and view, and returns what came out otherwise than it should. Whatever is tried is
-- rolled back at once. The first digit of a table's or a view's first column says whose a row is; whoever fills the column in question is not asked.

-- What a statement comes to under a role that says something: its SQLSTATE, or the rows it touched and whether the table is another.
create function pg_temp.attempt(prepared text[], role text, says jsonb, of text, statement text, looked text default 'null') returns text
language plpgsql as
$$ declare
  said record; step text; before text; after text; touched bigint; found text; outcome text;
begin
  foreach step in array prepared loop execute step; end loop;
  execute format('select pg_catalog.md5(pg_catalog.string_agg(t::text, %L order by t::text)) from %s t', ',', of) into before;
  for said in select * from pg_catalog.jsonb_each_text(says) loop
    perform pg_catalog.set_config(said.key, said.value, true);
  end loop;
  execute format('set local role %I', role);
  execute statement;
  get diagnostics touched = row_count;
  set constraints all immediate;
  reset role;
  execute format('select pg_catalog.md5(pg_catalog.string_agg(t::text, %L order by t::text)) from %s t', ',', of) into after;
  execute format('select (%s)::text', looked) into found;
  outcome := pg_catalog.concat_ws(' ', touched, case when before is not distinct from after then 'same' end, found);
  raise exception using errcode = 'RB000';
exception
  when sqlstate 'RB000' then return outcome;
  when others then
    get stacked diagnostics found = message_text;
    return sqlstate || ' ' || found;
end $$;

-- What a query shows to a role that says something.
create function pg_temp.asked(role text, says jsonb, query text) returns text language plpgsql as
$$ declare
  said record; outcome text;
begin
  for said in select * from pg_catalog.jsonb_each_text(says) loop
    perform pg_catalog.set_config(said.key, said.value, true);
  end loop;
  execute format('set local role %I', role);
  execute query into outcome;
  raise exception using errcode = 'RB000';
exception
  when sqlstate 'RB000' then return outcome;
  when others then return sqlstate || ' ' || sqlerrm;
end $$;

create function pg_temp.first_column(relation oid) returns text language sql as
$$ select pg_catalog.quote_ident(attname) from pg_catalog.pg_attribute where attrelid = relation and attnum > 0 and not attisdropped order by attnum limit 1 $$;

-- {roles that write}, {what each tenant says}, {tenant column}, {tables that had it before}, {tables that are everybody's}, {schemas}.
create function pg_temp.acted(role text, says jsonb, tenants text[], tenant_column text, had text[], shared text[], schemas text[])
returns table (checks bigint, wrong text) language plpgsql as
$$ declare
  rel record; key record; k integer; j integer; c1 text; tc text; own jsonb; others jsonb; cols text; every text; said jsonb; got text;
  expected text; replica text[] := array['set local session_replication_role = replica'];
begin
  checks := 0;
  for rel in
    select c.oid, c.oid::pg_catalog.regclass::text as name, c.relkind from pg_catalog.pg_class c
    where c.relnamespace::pg_catalog.regnamespace::text = any (schemas) and c.relkind in ('r', 'p', 'v') and not c.relispartition
      and c.oid::pg_catalog.regclass::text <> all (shared)
      -- Before 15 a view asks with its owner's rights, which the plan says of each.
      and (c.relkind <> 'v' or pg_catalog.current_setting('server_version_num')::integer >= 150000)
    order by 2
  loop
    c1 := pg_temp.first_column(rel.oid);
    for k in 1 .. 3 loop
      j := k % 3 + 1;
      said := says -> (k - 1);
      execute format('select pg_catalog.count(*) || %L || pg_catalog.count(*) from %s t where pg_catalog.left(t.%s::text, 1) = %L', ' of ', rel.name, c1, k) into expected;
      got := pg_temp.asked(role, said, format('select pg_catalog.count(*) filter (where pg_catalog.left(t.%s::text, 1) = %L) || %L || pg_catalog.count(*) from %s t', c1, k, ' of ', rel.name));
      checks := checks + 1;
      if got is distinct from expected or (expected like '0 %' and rel.relkind <> 'v') then
        wrong := format('%s as %s: reads %s, not %s', rel.name, k, got, expected); return next;
      end if;
      continue when rel.relkind = 'v';

      select pg_catalog.quote_ident(attname) into tc from pg_catalog.pg_attribute
      where attrelid = rel.oid and attname = tenant_column and not attisdropped;
      tc := coalesce(tc, c1);
      execute format('select pg_catalog.to_jsonb(t) from %s t where pg_catalog.left(t.%s::text, 1) = %L order by t::text desc limit 1', rel.name, c1, k) into own;
      execute format('select pg_catalog.to_jsonb(t) from %s t where pg_catalog.left(t.%s::text, 1) = %L order by t::text desc limit 1', rel.name, c1, j) into others;
      select pg_catalog.string_agg(pg_catalog.quote_ident(attname), ', ') filter (where rel.name = any (had) or pg_catalog.quote_ident(attname) <> tc or tc = c1),
             pg_catalog.string_agg(pg_catalog.quote_ident(attname), ', ')
      into cols, every
      from pg_catalog.pg_attribute where attrelid = rel.oid and attnum > 0 and not attisdropped and attgenerated = '';
      for key in
        -- What is tried, what comes before it, and what it should come to.
        select * from (values
          ('inserts its own', replica || format('delete from %s t where pg_catalog.to_jsonb(t) = %L', rel.name, own) || 'set local session_replication_role = origin'::text,
            format('insert into %s (%s) select %s from pg_catalog.jsonb_populate_record(null::%s, %L)', rel.name, cols, cols, rel.name, own),
            format('select pg_catalog.count(*) from %s t where t.%s::text = %L and pg_catalog.left(t.%s::text, 1) = %L', rel.name, tc, tenants[k], c1, k),
            '1 ' || pg_catalog.split_part(expected, ' ', 1)),
          ('inserts another''s', replica || format('delete from %s t where pg_catalog.to_jsonb(t) = %L', rel.name, others) || 'set local session_replication_role = origin'::text,
            format('insert into %s (%s) select %s from pg_catalog.jsonb_populate_record(null::%s, %L)', rel.name, every, every, rel.name, others), 'null', '42501'),
          ('inserts another''s without saying so', replica || format('delete from %s t where pg_catalog.to_jsonb(t) = %L', rel.name, others) || 'set local session_replication_role = origin'::text,
            format('insert into %s (%s) select %s from pg_catalog.jsonb_populate_record(null::%s, %L)', rel.name, cols, cols, rel.name, others), 'null', '42501'),
          ('updates its own', '{}'::text[], format('update %s set %s = %s', rel.name, tc, tc), 'null', pg_catalog.split_part(expected, ' ', 1)),
          ('updates another''s', '{}', format('update %s t set %s = %s where pg_catalog.left(t.%s::text, 1) = %L', rel.name, tc, tc, c1, j), 'null', '0 same'),
          ('gives its own away', '{}', format('update %s set %s = %L', rel.name, tc, tenants[j]), 'null', '42501'),
          ('deletes its own', replica, format('delete from %s', rel.name), 'null', pg_catalog.split_part(expected, ' ', 1)),
          ('deletes another''s', replica, format('delete from %s t where pg_catalog.left(t.%s::text, 1) = %L', rel.name, c1, j), 'null', '0 same')
        ) v (tried, prepared, statement, looked, should)
        union all
        -- Every foreign key, pointed to another tenant's row: by the row's own tenant, where no other key is in the way.
        select 'points ' || a.attname || ' to another''s',
          case when not a.to_itself then replica || format('delete from %s t where pg_catalog.left(t.%s::text, 1) = %L', rel.name, c1, j)
            || 'set local session_replication_role = origin'::text else '{}' end,
          format('update %s t set %I = %L where pg_catalog.to_jsonb(t) = %L', rel.name, a.attname, others ->> a.attname, own), 'null', '23503'
        from (
          select a.attname::text, pg_catalog.bool_or(f.confrelid = rel.oid) as to_itself
          from pg_catalog.pg_constraint f cross join lateral pg_catalog.unnest(f.conkey) u (number)
          join pg_catalog.pg_attribute a on a.attrelid = f.conrelid and a.attnum = u.number
          where f.conrelid = rel.oid and f.contype = 'f' and f.confrelid::pg_catalog.regclass::text <> all (shared)
            and f.confrelid in (select c.oid from pg_catalog.pg_class c where c.relnamespace::pg_catalog.regnamespace::text = any (schemas))
            and a.atttypid in ('uuid'::pg_catalog.regtype, 'bigint'::pg_catalog.regtype) and pg_catalog.left(others ->> a.attname, 1) = j::text and pg_catalog.quote_ident(a.attname) <> tc
          group by 1
        ) a
      loop
        -- The tenant's own key says whose it is.
        continue when key.tried like 'inserts another%' and key.tried <> 'inserts another''s' and (rel.name = any (had) or tc = c1);
        got := pg_temp.attempt(key.prepared, role, said, rel.name, key.statement, key.looked);
        checks := checks + 1;
        if got is null or not (got = key.should or got like key.should || ' %') then
          wrong := format('%s as %s: %s: %s, not %s [%s]', rel.name, k, key.tried, got, key.should, key.statement); return next;
        end if;
      end loop;
    end loop;
  end loop;
  wrong := null;
  return next;
end $$;
