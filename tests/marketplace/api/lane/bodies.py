"""Bodies of requests to a batch."""

from __future__ import annotations

from tests.marketplace.api.lane.request import Request, Twist


def bodies(batch: Request, name: str, ids: list[int], gone: int) -> list[Twist]:
    """Return the ways in which the body of a batch may differ; its member is `name`, and a row of it is `gone`."""
    first, second = ids[:2]

    def sent(title: str, text: str | bytes, plain: bool = False, **environ: str | None) -> Twist:
        body = text if isinstance(text, bytes) else text.encode()
        return Twist(title, lambda request: request._replace(body=body).saying(**environ), plain)

    def listed(title: str, items: str, plain: bool = False) -> Twist:
        return sent(title, f'{{"{name}": [{items}]}}', plain)

    def typed(title: str, **environ: str | None) -> Twist:
        return sent(title, batch.body, **environ)

    deep = f"{'[' * 1000}{']' * 1000}"
    return [
        listed("one id", f"{first}", plain=True),
        listed("repeated ids", f"{second}, {first}, {second}, {second}", plain=True),
        listed("100 ids", ",".join([str(first)] * 100), plain=True),
        listed("blanks everywhere", f" \n{first}\t,\r{second} ", plain=True),
        sent("an escaped member", f'{{"{name[:-1]}\\u0073": [{first}]}}', plain=True),
        listed("an unknown id among them", f"{first}, 99"),
        listed("a row that is gone", f"{gone}, {first}"),
        listed("2**63-1", f"{2**63 - 1}, {first}"),
        listed("no ids", ""),
        listed("numeric strings", f'"{first}", {second}'),
        listed("a float", f"{first}.0"),
        listed("an exponent", f"{first}e0"),
        listed("a bool", f"true, {first}"),
        listed("a null", f"null, {first}"),
        listed("a list", f"[{first}]"),
        listed("an object", f'{{"{name}": {first}}}'),
        listed("a word", '"x"'),
        listed("zero", f"0, {first}"),
        listed("minus zero", f"-0, {first}"),
        listed("a negative id", f"-1, {first}"),
        listed("a leading zero", f"0{first}"),
        listed("2**63", f"{2**63}, {first}"),
        listed("2**64", f"{2**64}, {first}"),
        listed("5000 digits", "1" * 5000),
        listed("NaN", "NaN"),
        listed("Infinity", f"-Infinity, {first}"),
        listed("1e400", f"1e400, {first}"),
        listed("101 ids", ",".join([str(first)] * 101)),
        listed("a NUL", f'"\\u0000", {first}'),
        listed("a lone surrogate", f'"\\ud800", {first}'),
        listed("deep nesting", deep),
        sent("a member more", f'{{"{name}": [{first}], "x": 1}}'),
        sent("another member", f'{{"ids": [{first}]}}'),
        sent("the member twice", f'{{"{name}": [{second}], "{name}": [{first}]}}'),
        sent("the member twice, once a NUL", f'{{"{name}": "\\u0000", "{name}": [{first}]}}'),
        sent("the member twice, once too deep", f'{{"{name}": {deep}, "{name}": [{first}]}}'),
        sent("the member twice, once too long", f'{{"{name}": {"1" * 5000}, "{name}": [{first}]}}'),
        sent("the member twice, once endless", f'{{"{name}": 1e400, "{name}": [{first}]}}'),
        sent("no list", f'{{"{name}": {first}}}'),
        sent("null for the list", f'{{"{name}": null}}'),
        sent("a bare list", f"[{first}]"),
        sent("a bare number", f"{first}"),
        sent("nothing", b""),
        sent("blanks only", b"  "),
        sent("no JSON", f'{{"{name}": [{first}'),
        sent("something after it", f'{{"{name}": [{first}]}} x'),
        sent("a comma after it", f'{{"{name}": [{first},]}}'),
        sent("a byte order mark", b"\xef\xbb\xbf" + batch.body),
        sent("UTF-16", batch.body.decode().encode("utf-16")),
        sent("bytes that are no UTF-8", f'{{"{name}": [{first}], "'.encode() + b'\xff": 1}'),
        sent("a NUL after it", batch.body + b"\0"),
        sent("20 KB of blanks", batch.body + b" " * 20_000),
        sent("more than is taken", batch.body + b" " * 300_000),
        typed("with a charset", CONTENT_TYPE="application/json; charset=utf-8"),
        typed("with a wrong charset", CONTENT_TYPE="application/json; charset=latin-1"),
        typed("type in capitals", CONTENT_TYPE="Application/JSON"),
        typed("as text", CONTENT_TYPE="text/plain"),
        typed("as a form", CONTENT_TYPE="application/x-www-form-urlencoded"),
        typed("as a multipart form", CONTENT_TYPE="multipart/form-data; boundary=x"),
        typed("of an empty type", CONTENT_TYPE=""),
        typed("of no type", CONTENT_TYPE=None),
        typed("without a length", CONTENT_LENGTH=None),
        typed("of an empty length", CONTENT_LENGTH=""),
        typed("of length 0", CONTENT_LENGTH="0"),
        typed("shorter than it is", CONTENT_LENGTH="5"),
        typed("of length -1", CONTENT_LENGTH="-1"),
        typed("of length x", CONTENT_LENGTH="x"),
        typed("of length ²", CONTENT_LENGTH="²"),
        typed("of 5000 digits of length", CONTENT_LENGTH="1" * 5000),
        Twist("longer than it is", lambda request: request.saying(CONTENT_LENGTH="999")),
    ]
