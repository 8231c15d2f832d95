"""What is asked of every example, and printed as one JSON document; tests/drivers.rs says what has to come out."""

import json
from concurrent.futures import ThreadPoolExecutor

A = "aaaaaaaa-0000-4000-8000-00000000000a"
B = "bbbbbbbb-0000-4000-8000-00000000000b"
C = "cccccccc-0000-4000-8000-00000000000c"

where = set()


def refused(work, *args):
    try:
        work(*args)
        return "accepted"
    except Exception as error:
        for place, it in (("error.orig.sqlstate", getattr(error, "orig", None)), ("error.__cause__.sqlstate", error.__cause__)):
            if getattr(it, "sqlstate", None):
                where.add(place)
                return it.sqlstate
        return repr(error)


def scenario(tasks, insert, bare, fail, close, more=None):
    def ids(tenant):
        return [row[0] for row in tasks(tenant)]

    seen = {
        "tenants": [ids(A), ids(B), ids(C)],
        "nobody": ids(""),
        "malformed": refused(tasks, "a"),
        "own": refused(insert, A, 14, 1, A),
        "filled": refused(insert, A, 15, 1, None),
        "foreign": refused(insert, A, 24, 2, B),
        "after_insert": ids(A),
        "failed": refused(fail, A),
        "after": [dict(zip(("rows", "setting"), bare())) for _ in range(10)],
    }

    def one(tenant):
        try:
            return f"{tenant[0]}: {','.join(map(str, ids(tenant)))}"
        finally:
            close()

    with ThreadPoolExecutor(6) as threads:
        seen["together"] = sorted(set(threads.map(one, [A, B, C] * 10)))
    seen["where"] = list(where)
    if more:
        seen.update(more(A))
    print(json.dumps(seen))
