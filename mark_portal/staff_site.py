"""The staff's side: Django admin under our sign-in rules, second factor and look."""

from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _


class StaffSiteConfig(AdminConfig):
    default_site = "mark_portal.staff_site.StaffSite"


class StaffSite(AdminSite):
    site_header = _("«Марк» · staff")
    site_title = _("«Марк»")
    index_title = _("Today")
    enable_nav_sidebar = True

    def has_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and request.user.is_staff)
