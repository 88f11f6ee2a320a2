"""The staff's pages of services, a module a topic."""

from . import access, catalogue, speed, suspensions  # noqa: F401
