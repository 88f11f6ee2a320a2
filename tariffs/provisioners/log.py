"""Writes orders into the log and carries nothing out: for the demo, and until equipment is connected."""

from dataclasses import asdict

import structlog

from . import Order

log = structlog.get_logger(__name__)


class LogProvisioner:
    def apply(self, order: Order) -> None:
        log.info("access_changed", **asdict(order))


provisioner = LogProvisioner()
