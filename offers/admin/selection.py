"""The input of the confirmation page: an action, the selected offers, and by how much to extend them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django import forms
from django.core import signing

from offers.models import Offer

_SALT = "offers.admin.selection"


@dataclass(frozen=True, slots=True)
class Selection:
    """An action and the selected offers, each with the end that the confirmation page showed.

    The form carries it signed, so exactly what was shown is done, and the limit of rows cannot be passed.
    """

    action: str
    ends: dict[int, datetime]

    @classmethod
    def of(cls, action: str, offers: Iterable[Offer]) -> Selection:
        return cls(action, {offer.pk: offer.expires_at for offer in offers})

    @classmethod
    def read(cls, text: str) -> Selection | None:
        """Return the signed selection, or None if the signature is not ours."""
        try:
            action, ends = signing.loads(text, salt=_SALT)
        except signing.BadSignature:
            return None
        return cls(action, {id: datetime.fromisoformat(end) for id, end in ends})

    def sign(self) -> str:
        ends = [(id, end.isoformat()) for id, end in self.ends.items()]
        return signing.dumps([self.action, ends], salt=_SALT, compress=True)


class ExtensionForm(forms.Form):
    """The field for the length of an extension."""

    more = forms.TypedChoiceField(
        label="Extend by",
        choices=[("1", "1 hour"), ("24", "1 day"), ("72", "3 days"), ("168", "7 days")],
        initial="24",
        coerce=lambda hours: timedelta(hours=int(hours)),
        widget=forms.RadioSelect,
    )
