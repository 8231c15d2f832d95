import os

import django
from django.db import connection

os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
django.setup()

from django_ import Task, as_tenant, tasks  # noqa: E402
from django.db import transaction  # noqa: E402
from scenario import scenario  # noqa: E402

ADD_FOR = "insert into tasks (id, project_id, tenant_id, title) values (%s, %s, %s, 'new')"
STATE = "select (select count(*) from tasks), current_setting('app.tenant_id', true)"


def insert(tenant, id, project, owner):
    with as_tenant(tenant):
        if owner is None:
            Task.objects.create(id=id, project_id=project, title="new")
        else:
            with connection.cursor() as cursor:
                cursor.execute(ADD_FOR, [id, project, owner])


def bare():
    with connection.cursor() as cursor:
        cursor.execute(STATE)
        return list(cursor.fetchone())


def fail(tenant):
    with as_tenant(tenant), connection.cursor() as cursor:
        cursor.execute("select 1 / 0")


def more(tenant):
    with as_tenant(tenant):
        late = Task.objects.all()
    try:
        with transaction.atomic(), as_tenant(tenant):
            nested = "accepted"
    except RuntimeError:
        nested = "refused"
    with connection.cursor() as cursor:
        cursor.execute("select set_config('app.tenant_id', %s, true)", [tenant])
    return {"late": len(late), "nested": nested, "autocommit": Task.objects.count()}


scenario(tasks, insert, bare, fail, lambda: connection.close(), more)
