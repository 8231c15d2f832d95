import { sql } from "./postgres.mjs";

// `claims` is what a token says whose signature was verified; never what the client sent beside it.
export const asUser = (claims, work) =>
  sql.begin(async (tx) => {
    await tx`select set_config('request.jwt.claims', ${JSON.stringify(claims)}, true)`;
    return work(tx);
  });
