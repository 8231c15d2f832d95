// Named prepared statements through a pooler with two connections to the server, of which each transaction may get the other one.
import pg from "pg";
import postgres from "postgres";

const A = "aaaaaaaa-0000-4000-8000-00000000000a";
const said = (promise) => promise.then(() => "accepted", (error) => error.code ?? String(error));
const seen = {};

// pg names a statement when it is told a name.
const clients = [new pg.Client(), new pg.Client()];
seen.pg = [];
for (const client of clients) {
  await client.connect();
  seen.pg.push(await said(client.query({ name: "mine", text: "select $1::int", values: [1] })));
}
for (const client of clients) await client.end();

// postgres.js names every statement, `commit` too, unless told not to.
const holder = postgres({ max: 1, prepare: false });
for (const prepare of [true, false]) {
  const sql = postgres({ max: 1, prepare });
  const add = (id) =>
    sql.begin(async (tx) => {
      await tx`select set_config('app.tenant_id', ${A}, true)`;
      await tx`insert into tasks (id, project_id, title) values (${id}, 1, 'new')`;
    });
  const first = prepare ? 51 : 61;
  const outcomes = [await said(add(first))];
  // Somebody else has the connection that this client has used so far.
  await holder.begin(async (tx) => {
    await tx`select 1`;
    outcomes.push(await said(add(first + 1)));
  });
  const rows = await holder.begin(async (tx) => {
    await tx`select set_config('app.tenant_id', ${A}, true)`;
    return tx`select id from tasks where id between ${first} and ${first + 1} order by id`;
  });
  seen[`postgres ${prepare}`] = [outcomes, rows.map((row) => row.id)];
  await sql.end();
}
await holder.end();
console.log(JSON.stringify(seen));
