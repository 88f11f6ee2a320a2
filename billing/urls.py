from django.urls import path

from billing.views import ledger

app_name = "billing"
urlpatterns = [
    path("balance/", ledger.public_balance, name="public_balance"),
    path("cabinet/billing/", ledger.ledger, name="ledger"),
]
