import os
from contextlib import contextmanager

from sqlalchemy import create_engine, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

# psycopg names a statement when it has run it five times, unless told not to: for the sake of a pooler.
engine = create_engine(os.environ["DATABASE_URL"], connect_args={"prepare_threshold": None})


class Base(DeclarativeBase):
    pass


class Task(Base):
    __tablename__ = "tasks"

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int]
    title: Mapped[str]


@contextmanager
def as_tenant(tenant):
    with Session(engine) as session, session.begin():
        session.execute(text("select set_config('app.tenant_id', :tenant, true)"), {"tenant": tenant})
        yield session


def tasks(tenant):
    with as_tenant(tenant) as session:
        return [(task.id, task.title) for task in session.scalars(select(Task).order_by(Task.id))]
