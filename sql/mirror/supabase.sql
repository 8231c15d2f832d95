-- Purpose: the row that the Supabase CLI writes.
-- Parameters: $1 table, $2 version, $3 name, $4 statements (JSON array). Privileges: INSERT on it. Lowest version: 13.
insert into $1 (version, name, statements)
select $2, $3, coalesce(pg_catalog.array_agg(s.value order by s.place), '{}')
from pg_catalog.json_array_elements_text($4::pg_catalog.json) with ordinality as s (value, place);
