"""Is the service on, and if not, why: derived from the contract, never stored."""

from dataclasses import dataclass
from enum import StrEnum

from accounts.models import Contract


class Reason(StrEnum):
    """Why a service is off."""

    DEBT = "debt"
    WISH = "wish"
    TERMINATED = "terminated"


@dataclass(frozen=True)
class Access:
    reason: Reason | None

    @property
    def is_on(self) -> bool:
        return self.reason is None


REASONS = {
    Contract.State.SUSPENDED_FOR_DEBT: Reason.DEBT,
    Contract.State.SUSPENDED_BY_WISH: Reason.WISH,
    Contract.State.TERMINATED: Reason.TERMINATED,
}


def of(contract: Contract) -> Access:
    return Access(REASONS.get(Contract.State(contract.state)))
