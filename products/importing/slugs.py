"""Slugs that the database accepts, from names in any language."""

from __future__ import annotations

import hashlib
import re
import unicodedata

# Letters that NFKD does not decompose into a base letter and a mark.
_LETTERS = str.maketrans({"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"})
_OTHER = re.compile(r"[^a-z0-9]+")


def slug_of(name: str, limit: int = 80) -> str:
    """Return `name` as lower-case ASCII words joined by hyphens, at most `limit` characters.

    A name that is too long, or has no ASCII letter or digit, gets a slug that ends in a short hash of it, so that two
    such names stay two. An empty name gives an empty slug. Not Django's `slugify`: it drops ß, ø and ł, joins what a
    slash or an ampersand divides (R&D: rd), and the slugs of categories that are in the database would change.
    """
    folded = unicodedata.normalize("NFKD", name.lower().translate(_LETTERS))
    letters = "".join(char for char in folded if not unicodedata.combining(char))
    slug = _OTHER.sub("-", letters).strip("-")
    if slug and len(slug) <= limit:
        return slug
    if not name.strip():
        return ""
    digest = hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:8]
    return f"{slug[: limit - 9].rstrip('-') or 'x'}-{digest}"
