from django.urls import path

from tariffs.views import catalogue, offers, options, speed, statistics, suspension, tariff, turbo

app_name = "tariffs"
urlpatterns = [
    path("tariffs/", catalogue.catalogue, name="catalogue"),
    path("tariffs/<int:tariff_id>/connect/", catalogue.connect_with, name="connect_with"),
    path("offers/", catalogue.offers, name="public_offers"),
    path("services/", catalogue.services, name="services"),
    path("business/", catalogue.business, name="business"),
    path("speed/", speed.speed, name="speed"),
    path("cabinet/statistics/", statistics.statistics, name="statistics"),
    path("cabinet/statistics/statistics.csv", statistics.statistics_csv, name="statistics_csv"),
    path("cabinet/statistics/speed/", speed.history, name="speed_history"),
    path("cabinet/statistics/speed/save/", speed.save, name="speed_save"),
    path("cabinet/statistics/speed/speed.csv", speed.history_csv, name="speed_csv"),
    path("cabinet/tariff/", tariff.tariff, name="tariff"),
    path("cabinet/tariff/<int:tariff_id>/", tariff.switch, name="switch"),
    path("cabinet/tariff/cancel/", tariff.cancel, name="switch_cancel"),
    path("cabinet/offers/", offers.offers, name="offers"),
    path("cabinet/offers/<int:offer_id>/", offers.offer, name="offer"),
    path("cabinet/options/", options.options, name="options"),
    path("cabinet/options/<int:option_id>/", options.option, name="option"),
    path("cabinet/options/<int:option_id>/off/", options.option_off, name="option_off"),
    path("cabinet/options/<int:option_id>/keep/", options.option_keep, name="option_keep"),
    path("cabinet/suspension/", suspension.suspension, name="suspension"),
    path("cabinet/suspension/cancel/", suspension.suspension_cancel, name="suspension_cancel"),
    path("cabinet/suspension/end/", suspension.suspension_end, name="suspension_end"),
    path("cabinet/turbo/", turbo.turbo, name="turbo"),
    path("cabinet/turbo/stop/", turbo.turbo_stop, name="turbo_stop"),
]
