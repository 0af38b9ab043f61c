"""The actions of the staff on offers, each with an outcome per offer."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import AbstractBaseUser
from django.db import Error, transaction
from django.http import Http404

from offers.admin.selection import Selection
from offers.formatting import moment
from offers.lifecycle import transitions
from offers.lifecycle.lifetime import Lifetime
from offers.lifecycle.state_machine import Actor, Role
from offers.models import Offer
from products.errors import Refusal

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ActionRequest:
    """One offer to act on: the member of the staff, the end that the page showed, and the extension, if it is one."""

    staff: AbstractBaseUser
    offer_id: int
    end: datetime
    more: timedelta


@dataclass(frozen=True, slots=True)
class StaffAction:
    """An action with its texts: the verb (`Decline`), the resulting state (`declined`), a sentence on the effect."""

    name: str
    verb: str
    done: str
    effect: str
    act: Callable[[ActionRequest], Offer]

    @property
    def extends(self) -> bool:
        return self is EXTEND


@dataclass(frozen=True, slots=True)
class ActionOutcome:
    """Whether the action on one offer was done; `detail` says since or until when, or why not."""

    offer_id: int
    done: bool
    detail: str


def _extend(request: ActionRequest) -> Offer:
    # Counted from the end that the page showed: a form that is submitted twice asks for the same end twice, and the
    # second extension is refused because it is no later.
    lifetime = Lifetime(expires_at=request.end + request.more)
    return transitions.extend(request.offer_id, Actor(Role.STAFF, request.staff), lifetime)


def _expire_now(request: ActionRequest) -> Offer:
    return transitions.expire_now(request.offer_id, request.staff)


def _decline(request: ActionRequest) -> Offer:
    return transitions.decline(request.offer_id, Actor(Role.STAFF, request.staff))


EXTEND = StaffAction("extend", "Extend", "extended", "Each gets a later end, counted from its present one.", _extend)
EXPIRE_NOW = StaffAction(
    "expire_now", "Expire now", "expired", "Each ends at once and reads as expired. This is final.", _expire_now
)
DECLINE = StaffAction(
    "decline", "Decline", "declined", "Each is declined on behalf of its seller. This is final.", _decline
)
ACTIONS = {action.name: action for action in (EXTEND, EXPIRE_NOW, DECLINE)}


def act_on_each(
    selection: Selection, staff: AbstractBaseUser, more: timedelta, log: Callable[[Offer, str], object]
) -> Iterator[ActionOutcome]:
    """Act on each selected offer in a transaction of its own, which also calls `log`; yield the outcomes."""
    action = ACTIONS[selection.action]
    for offer_id, end in selection.ends.items():
        try:
            with transaction.atomic(durable=True):
                offer = action.act(ActionRequest(staff, offer_id, end, more))
                detail = _detail(action, offer)
                log(offer, f"{action.done.capitalize()} {detail}.")
        except (Refusal, Http404) as error:
            yield ActionOutcome(offer_id, False, str(error))
        except Error:
            # The failure of one offer must not lose the outcomes of the others.
            logger.exception("offer %d could not be acted on", offer_id)
            yield ActionOutcome(offer_id, False, "The database failed. Check the offer's state before you try again.")
        else:
            yield ActionOutcome(offer_id, True, f"{action.done.capitalize()} {detail}.")


def _detail(action: StaffAction, offer: Offer) -> str:
    return f"until {moment(offer.expires_at)}" if action.extends else f"at {moment(offer.closed_at)}"
