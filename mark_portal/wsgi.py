"""Pages: Django's WSGI application, served by granian in production."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mark_portal.settings")
application = get_wsgi_application()
