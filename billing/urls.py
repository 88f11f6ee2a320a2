from django.urls import path

from billing.views import gateways, ledger, payments, sandbox_bank, terminals, top_up

app_name = "billing"
urlpatterns = [
    path("pay/osmp/", terminals.osmp, name="osmp"),
    path("pay/sber/", terminals.sber, name="sber"),
    path("pay/<slug:gateway>/", gateways.notification, name="gateway_notification"),
    path("sandbox-bank/<uuid:number>/", sandbox_bank.pay, name="sandbox_bank"),
    path("balance/", ledger.public_balance, name="public_balance"),
    path("cabinet/billing/", ledger.ledger, name="ledger"),
    path("cabinet/billing/top-up/", top_up.top_up, name="top_up"),
    path("cabinet/billing/top-up/<uuid:operation>/", payments.payment, name="payment"),
    path("cabinet/billing/payments/", payments.history, name="payments"),
    path("cabinet/billing/receipts/<uuid:operation>/", payments.receipt, name="receipt"),
]
