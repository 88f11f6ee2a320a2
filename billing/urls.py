from django.urls import path

from billing import views

app_name = "billing"
urlpatterns = [
    path("balance/", views.public_balance, name="public_balance"),
    path("cabinet/billing/", views.ledger, name="ledger"),
]
