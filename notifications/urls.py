from django.urls import path

from notifications import views

app_name = "notifications"
urlpatterns = [
    path("cabinet/notices/", views.notices, name="notices"),
    path("cabinet/notices/read/", views.read, name="read"),
]
