from django.urls import path

from tariffs.views import suspension

app_name = "tariffs"
urlpatterns = [
    path("cabinet/suspension/", suspension.suspension, name="suspension"),
    path("cabinet/suspension/cancel/", suspension.suspension_cancel, name="suspension_cancel"),
    path("cabinet/suspension/end/", suspension.suspension_end, name="suspension_end"),
]
