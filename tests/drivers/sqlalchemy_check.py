from scenario import scenario
from sqlalchemy import select, text
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import DetachedInstanceError
from sqlalchemy_ import Task, as_tenant, engine, tasks

ADD = "insert into tasks (id, project_id, title) values (:id, :project, 'new')"
ADD_FOR = "insert into tasks (id, project_id, tenant_id, title) values (:id, :project, :tenant, 'new')"
STATE = "select (select count(*) from tasks), current_setting('app.tenant_id', true)"


def insert(tenant, id, project, owner):
    with as_tenant(tenant) as session:
        if owner is None:
            session.add(Task(id=id, project_id=project, title="new"))
        else:
            session.execute(text(ADD_FOR), {"id": id, "project": project, "tenant": owner})


def bare():
    with engine.connect() as connection:
        return list(connection.execute(text(STATE)).one())


def fail(tenant):
    with as_tenant(tenant) as session:
        session.execute(text("select 1 / 0"))


def more(tenant):
    """An object that outlives its session, and a session that goes on after its COMMIT, in a transaction that is nobody's."""
    with as_tenant(tenant) as session:
        task = session.scalars(select(Task)).first()
    try:
        outlived = task.title
    except DetachedInstanceError:
        outlived = "detached"
    with Session(engine) as session:
        session.execute(text("select set_config('app.tenant_id', :tenant, true)"), {"tenant": tenant})
        before = len(session.scalars(select(Task)).all())
        session.commit()
        return {"outlived": outlived, "goes_on": [before, len(session.scalars(select(Task)).all())]}


scenario(tasks, insert, bare, fail, lambda: None, more)
