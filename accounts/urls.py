from django.urls import path

from accounts import views

app_name = "accounts"
urlpatterns = [
    path("login/", views.sign_in, name="login"),
    path("logout/", views.sign_out, name="logout"),
    path("cabinet/profile/", views.profile, name="profile"),
    path("cabinet/profile/sessions/", views.end_session, name="end_session"),
]
