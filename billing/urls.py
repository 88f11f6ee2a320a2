from django.urls import path, register_converter

from billing.months import MonthConverter
from billing.views import (
    autopay,
    gateways,
    ledger,
    papers,
    payments,
    promise,
    sandbox_bank,
    statements,
    terminals,
    top_up,
)

register_converter(MonthConverter, "month")

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
    path("cabinet/billing/promise/", promise.promise, name="promise"),
    path("cabinet/billing/autopay/", autopay.page, name="autopay"),
    path("cabinet/billing/autopay/off/", autopay.turn_off, name="autopay_off"),
    path("cabinet/billing/autopay/cards/remove/", autopay.forget_card, name="forget_card"),
    path("cabinet/billing/statement/", statements.statement, name="statement"),
    path("cabinet/billing/statement/statement.csv", statements.statement_csv, name="statement_csv"),
    path("cabinet/billing/statement/statement.pdf", statements.statement_pdf, name="statement_pdf"),
    path("cabinet/billing/statement/documents/", papers.documents, name="documents"),
    path("cabinet/billing/statement/documents/<month:month>/invoice.pdf", papers.invoice, name="invoice"),
    path("cabinet/billing/statement/documents/<month:month>/act.pdf", papers.act, name="act"),
]
