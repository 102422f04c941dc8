"""What a WSGI server loads: ``gunicorn hub.wsgi:app``."""

from hub import logs
from hub.app import create_app
from hub.config import settings

found = settings()
logs.configure(found.log_level)
app = create_app(settings=found)
