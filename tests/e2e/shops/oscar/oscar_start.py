"""Makes the schema and an owner, then serves on 127.0.0.1: PORT, PASSWORD and DATABASE come from
the environment."""

import os
import sys

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "oscar_settings"
django.setup()

# Models can be imported only once Django is set up.
from django.contrib.auth import get_user_model  # noqa: E402
from django.core.management import call_command  # noqa: E402
from oscar.core.loading import get_model  # noqa: E402

call_command("migrate", run_syncdb=True, verbosity=0)
get_user_model().objects.create_superuser("owner", "owner@example.com", os.environ["PASSWORD"])
get_model("address", "Country").objects.create(
    iso_3166_1_a2="GB",
    name="United Kingdom",
    printable_name="United Kingdom",
    is_shipping_country=True,
)
get_model("partner", "Partner").objects.create(name="Us", code="us")
get_model("catalogue", "ProductClass").objects.create(name="Goods", track_stock=True)
get_model("catalogue", "Category").add_root(name="All", slug="all")

where = ["--bind", f"127.0.0.1:{os.environ['PORT']}", "--workers", "2", "--no-control-socket"]
served = "django.core.wsgi:get_wsgi_application()"
os.execv(sys.executable, [sys.executable, "-m", "gunicorn", *where, served])
