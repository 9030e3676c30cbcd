"""A Django project in memory, for clients that are applications of Django."""

import logging

import django
from django.conf import settings
from django.core.management import call_command


def prepare(*apps, **more):
    """Sets Django up with the applications, and makes their tables straight from their models: migrations take a minute."""
    settings.configure(
        SECRET_KEY="of no use",
        USE_TZ=True,
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", *apps],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        MIGRATION_MODULES={app.rpartition(".")[2]: None for app in ["contenttypes", "auth", *apps]},
        LOGGING_CONFIG=None,
        **more,
    )
    # What the clients log of refusals that a check asked for would drown the checks' own lines.
    logging.disable()
    django.setup()
    call_command("migrate", run_syncdb=True, verbosity=0)
