"""The words that demo products are made of."""

from __future__ import annotations

from typing import NamedTuple


class Shelf(NamedTuple):
    """A category, its things, and the range of their prices in euros."""

    name: str
    low: int
    high: int
    things: tuple[str, ...]


SHELVES = (
    Shelf("Audio", 15, 900, ("headphones", "bookshelf speakers", "turntable", "soundbar", "cassette deck")),
    Shelf("Baby & Kids", 5, 250, ("pram", "wooden train set", "high chair", "night light", "balance board")),
    Shelf("Bags", 12, 320, ("rucksack", "tote bag", "messenger bag", "weekender", "camera bag")),
    Shelf("Bicycles", 60, 2400, ("city bike", "gravel bike", "folding bike", "bicycle trailer", "wheelset")),
    Shelf("Board Games", 6, 90, ("strategy game", "card game", "chess set", "jigsaw puzzle", "dice set")),
    Shelf("Books", 2, 60, ("novel", "travel guide", "atlas", "cookery book", "poetry collection")),
    Shelf("Cameras", 40, 2800, ("rangefinder", "compact camera", "50 mm lens", "tripod", "light meter")),
    Shelf("Clothing", 8, 280, ("wool jumper", "rain jacket", "linen shirt", "denim jacket", "scarf")),
    Shelf("Coffee & Tea", 4, 700, ("espresso machine", "hand grinder", "teapot", "moka pot", "kettle")),
    Shelf("Collectibles", 3, 1200, ("postage stamps", "tin toy", "enamel sign", "pocket watch", "coin set")),
    Shelf("Computers", 30, 2600, ("laptop", "mechanical keyboard", "monitor", "mini PC", "graphics card")),
    Shelf("DIY & Tools", 5, 600, ("cordless drill", "plane", "workbench", "socket set", "spirit level")),
    Shelf("Furniture", 25, 1800, ("armchair", "bookcase", "desk", "dining table", "bedside cabinet")),
    Shelf("Garden", 4, 800, ("lawn mower", "watering can", "raised bed", "greenhouse", "pruning saw")),
    Shelf("Jewellery", 10, 1500, ("silver ring", "pearl necklace", "brooch", "bracelet", "cufflinks")),
    Shelf("Kitchen", 3, 450, ("cast-iron pan", "stand mixer", "chef's knife", "pasta machine", "fruit bowl")),
    Shelf("Lighting", 8, 420, ("desk lamp", "pendant light", "floor lamp", "lantern", "wall light")),
    Shelf("Musical Instruments", 30, 2200, ("acoustic guitar", "violin", "synthesiser", "cajon", "clarinet")),
    Shelf("Office", 2, 350, ("fountain pen", "filing cabinet", "desk organiser", "label printer", "stapler")),
    Shelf("Outdoor", 9, 700, ("two-person tent", "sleeping bag", "camping stove", "head torch", "hammock")),
    Shelf("Phones", 25, 1100, ("smartphone", "phone case", "power bank", "smartwatch", "charging stand")),
    Shelf("Plants", 2, 90, ("monstera", "olive tree", "cactus trio", "bonsai", "herb planter")),
    Shelf("Sports", 5, 900, ("rowing machine", "climbing rope", "tennis racket", "yoga mat", "kettlebell")),
    Shelf("Video Games", 6, 520, ("handheld console", "arcade stick", "adventure game", "racing wheel", "gamepad")),
)

BRANDS = (
    "Aldertree", "Bergsson", "Calla", "Dunmore", "Elbe & Sons", "Fernhill", "Gildenau", "Halden", "Ivarsen",
    "Juniper", "Kestrel", "Lindqvist", "Marlowe", "Norvik", "Oakridge", "Pemberley", "Quintal", "Rowan",
    "Saltmarsh", "Tamsin", "Ulmer", "Verano", "Wexford", "Yarrow",
)  # fmt: skip

QUALITIES = (
    "classic", "compact", "foldable", "hand-made", "heavy-duty", "lightweight", "limited-edition", "modern",
    "refurbished", "restored", "solid", "vintage",
)  # fmt: skip

COLOURS = (
    "amber", "black", "brass", "cobalt", "cream", "dark green", "graphite", "ivory", "natural oak", "rust red",
    "sand", "silver", "slate", "walnut", "white",
)  # fmt: skip

CONDITIONS = (
    "New, in its original box.",
    "As good as new, used twice.",
    "Used with care, a few light marks.",
    "Well used, works as it should.",
    "From a smoke-free home.",
    "Checked and cleaned before sale.",
)

REASONS = (
    "I am moving and have no room for it.",
    "It was a present and I have one already.",
    "It deserves to be used more than I do.",
    "Part of a collection that I am selling bit by bit.",
    "Bought for a project that never began.",
)

TERMS = (
    "Collection or delivery, as you like.",
    "Shipped within two days.",
    "Offers are welcome.",
    "Happy to answer questions and send more pictures.",
    "Can be returned within fourteen days.",
)
