"""Every address of the portal."""

from django.contrib import admin
from django.urls import include, path

from mark_portal import health, preferences, pwa, views

urlpatterns = [
    path("", views.home, name="home"),
    path("", include("accounts.urls")),
    path("", include("billing.urls")),
    path("", include("tariffs.urls")),
    path("", include("notifications.urls")),
    path("", include("support.urls")),
    path("cabinet/", views.cabinet, name="cabinet"),
    path("health/", health.health, name="health"),
    path("language/<str:code>/", preferences.choose_language, name="language"),
    path("version/<str:version>/", preferences.choose_version, name="version"),
    path("manifest.webmanifest", pwa.manifest, name="manifest"),
    path("sw.js", pwa.worker, name="service_worker"),
    path("offline/", pwa.offline, name="offline"),
    path("robots.txt", pwa.robots, name="robots"),
    path("admin/", admin.site.urls),
]

handler400 = "mark_portal.errors.bad_request"
handler403 = "mark_portal.errors.forbidden"
handler404 = "mark_portal.errors.not_found"
handler500 = "mark_portal.errors.server_error"
