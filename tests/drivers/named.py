"""Named prepared statements through a pooler. `named.py psycopg|asyncpg CACHED` says how it went for one client after another."""

import asyncio
import json
import sys

import asyncpg
import psycopg


def with_psycopg(cached):
    threshold = 5 if cached else None
    try:
        with psycopg.connect(prepare_threshold=threshold, autocommit=True) as client:
            for _ in range(8):
                client.execute("select count(*) from tasks where id > %s", [0])
        return "fine"
    except psycopg.Error as error:
        return error.sqlstate


async def with_asyncpg(cached):
    client = await asyncpg.connect(statement_cache_size=100 if cached else 0)
    try:
        async with client.transaction():
            await client.fetch("select count(*) from tasks where id > $1", 0)
        return "fine"
    except asyncpg.PostgresError as error:
        return error.sqlstate
    finally:
        client.terminate()


driver, cached = sys.argv[1], sys.argv[2] == "True"
print(json.dumps(with_psycopg(cached) if driver == "psycopg" else asyncio.run(with_asyncpg(cached))))
