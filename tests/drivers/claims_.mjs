// Each of these is one transaction that says another thing; what it sees is printed.
import { asUser } from "./claims.mjs";
import { sql } from "./postgres.mjs";

const tenant = (tenant_id) => ({ app_metadata: { tenant_id } });
const said = [tenant("aaaaaaaa-0000-4000-8000-00000000000a"), tenant("bbbbbbbb-0000-4000-8000-00000000000b"), tenant(""), {}];
const seen = [];
for (const claims of said) {
  const rows = await asUser(claims, (tx) => tx`select id from tasks order by id`);
  seen.push(rows.map((row) => row.id));
}
const after = await sql`select (select count(*) from tasks)::int as rows, current_setting('request.jwt.claims', true) as setting`;
await sql.end();
console.log(JSON.stringify({ seen, after: after[0] }));
