import os

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": os.environ["PGHOST"],
        "PORT": os.environ["PGPORT"],
        "NAME": os.environ["PGDATABASE"],
        "USER": os.environ["PGUSER"],
        "PASSWORD": os.environ.get("PGPASSWORD"),
        # For a pooler in transaction mode: .iterator() would read from a cursor that is left behind.
        "DISABLE_SERVER_SIDE_CURSORS": True,
    }
}
