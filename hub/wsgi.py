"""What a WSGI server loads: ``gunicorn hub.wsgi:app``."""

import logging

from hub import logs, tracing
from hub.app import create_app
from hub.config import settings

found = settings()
logs.configure(found.log_level)
# It tells of every look at the schema's revision, which is every readiness check.
logging.getLogger("alembic").setLevel(logging.WARNING)
if found.tracing:
    tracing.begin("web")
app = create_app(settings=found)
