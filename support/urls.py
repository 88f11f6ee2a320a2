from django.urls import path

from support import views

app_name = "support"
urlpatterns = [path("contacts/", views.contacts, name="contacts")]
