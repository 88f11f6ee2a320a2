"""Django admin as an installed app of ours; apart from apps.py, where Django would take it for a second default."""

from django.contrib.admin.apps import AdminConfig


class StaffSiteConfig(AdminConfig):
    default_site = "mark_portal.staff_site.StaffSite"

    def ready(self) -> None:
        from django.contrib import admin
        from django.contrib.auth.models import Group
        from django_otp.plugins.otp_totp.models import TOTPDevice

        super().ready()
        # Roles are made by migrations; the secrets of the authenticator apps are nobody's to read.
        admin.site.unregister([Group, TOTPDevice])
