"""The staff's pages of services, a module a topic."""

from . import access, boosts, catalogue, months, speed, subscriptions, suspensions, switches, traffic, uses  # noqa: F401
