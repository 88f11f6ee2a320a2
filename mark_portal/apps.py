from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MarkPortalConfig(AppConfig):
    name = "mark_portal"
    verbose_name = _("Portal")
