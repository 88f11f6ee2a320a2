"""The staff's pages of services, a module a topic."""

from . import access, boosts, catalogue, speed, subscriptions, suspensions, switches, traffic, uses  # noqa: F401
