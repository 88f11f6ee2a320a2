"""The tables of what is sold and used, a module a topic."""

from .boosts import Boost, Press
from .catalogue import Family, Offer, Option, OptionPrice, Service, Tariff, TariffPrice, TurboPackage
from .months import MonthRange, MonthRun
from .provisioning import AccessChange, AccessState
from .services import OfferUse, OptionUse, Subscription, Suspension, Switch
from .speedtest import SpeedTest
from .traffic import TrafficDay, TrafficHour, TrafficImport

__all__ = [
    "AccessChange",
    "AccessState",
    "Boost",
    "Family",
    "MonthRange",
    "MonthRun",
    "Offer",
    "OfferUse",
    "Option",
    "OptionPrice",
    "OptionUse",
    "Press",
    "Service",
    "SpeedTest",
    "Subscription",
    "Suspension",
    "Switch",
    "Tariff",
    "TariffPrice",
    "TrafficDay",
    "TrafficHour",
    "TrafficImport",
    "TurboPackage",
]
