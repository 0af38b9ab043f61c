"""The model of offers in a few lines, for model-based tests."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class OfferModel:
    """Offers by id, each with product, buyer, state and end. Times are in minutes."""

    now: int = 0
    offers: dict[int, list] = field(default_factory=dict)  # type: ignore[type-arg]
    sold: set[int] = field(default_factory=set)

    def state(self, id: int) -> str:
        _, _, state, end = self.offers[id]
        return "expired" if state == "active" and end <= self.now else state

    def may_create(self, product: int, buyer: int) -> bool:
        rivals = [id for id, offer in self.offers.items() if offer[:2] == [product, buyer]]
        return product not in self.sold and all(self.state(id) != "active" for id in rivals)

    def close(self, id: int, to: str) -> bool:
        if self.state(id) != "active":
            return False
        self.offers[id][2] = to
        return True

    def extend(self, id: int, end: int) -> bool:
        if self.state(id) != "active" or end <= self.offers[id][3]:
            return False
        self.offers[id][3] = end
        return True

    def accept(self, id: int) -> bool:
        if not self.close(id, "accepted"):
            return False
        self.sold.add(product := self.offers[id][0])
        for other, offer in self.offers.items():
            if offer[0] == product and other != id:
                self.close(other, "declined")
        return True
