// What is asked of every example, and printed as one JSON document; tests/drivers.rs says what has to come out.
const [A, B, C] = ["aaaaaaaa-0000-4000-8000-00000000000a", "bbbbbbbb-0000-4000-8000-00000000000b", "cccccccc-0000-4000-8000-00000000000c"];

// Where the drivers keep an SQLSTATE. Prisma's own codes, P2010 and the like, look the same.
const places = {
  "error.code": (error) => error.code,
  "error.cause.code": (error) => error.cause?.code,
  "error.meta.driverAdapterError.cause.originalCode": (error) => error.meta?.driverAdapterError?.cause?.originalCode,
  "error.cause.originalCode": (error) => error.cause?.originalCode,
};

function sqlstate(error) {
  for (const [place, look] of Object.entries(places)) {
    const code = look(error);
    if (/^[0-9A-Z]{5}$/.test(code ?? "") && !code.startsWith("P20")) {
      where.add(place);
      return code;
    }
  }
  return JSON.stringify(error) + String(error);
}

const where = new Set();
const refused = (promise) => promise.then(() => "accepted", sqlstate);
const ids = (rows) => rows.map((row) => Number(row.id));

export async function scenario({ asTenant, tasks, insert, bare, fail, more, close }) {
  const seen = {};
  seen.tenants = [ids(await tasks(A)), ids(await tasks(B)), ids(await tasks(C))];
  seen.nobody = ids(await tasks(""));
  seen.malformed = await refused(tasks("a"));
  seen.own = await refused(insert(A, 14, 1, A));
  seen.filled = await refused(insert(A, 15, 1, undefined));
  seen.foreign = await refused(insert(A, 24, 2, B));
  seen.after_insert = ids(await tasks(A));
  seen.failed = await refused(fail(A));
  seen.after = [];
  for (let round = 0; round < 10; round++) seen.after.push(await bare());
  const rounds = Array.from({ length: 30 }, (_, at) => [A, B, C][at % 3]);
  const together = await Promise.all(rounds.map(async (tenant) => [tenant[0], ids(await tasks(tenant))]));
  seen.together = together.map(([tenant, rows]) => `${tenant}: ${rows}`).sort().filter((row, at, all) => row !== all[at - 1]);
  seen.where = [...where];
  // What is asked beside the transaction is asked on another connection; a pooler with only one would wait for ever.
  if (process.env.WAY === "directly") seen.beside = await asTenant(A, bare);
  Object.assign(seen, await more?.(A));
  await close();
  console.log(JSON.stringify(seen));
}
