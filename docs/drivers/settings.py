import os

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": os.environ["PGHOST"],
        "PORT": os.environ["PGPORT"],
        "NAME": os.environ["PGDATABASE"],
        "USER": os.environ["PGUSER"],
        "PASSWORD": os.environ.get("PGPASSWORD"),
        # For a pooler in transaction mode: outside of a transaction .iterator() would leave a cursor on the session.
        "DISABLE_SERVER_SIDE_CURSORS": True,
    }
}
