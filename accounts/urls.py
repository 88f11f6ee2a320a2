from django.urls import path

from accounts import connection_views, views

app_name = "accounts"
urlpatterns = [
    path("connect/", connection_views.connect, name="connect"),
    path("connect/sent/", connection_views.connect_sent, name="connect_sent"),
    path("login/", views.sign_in, name="login"),
    path("logout/", views.sign_out, name="logout"),
    path("cabinet/profile/", views.profile, name="profile"),
    path("cabinet/profile/sessions/", views.end_session, name="end_session"),
]
