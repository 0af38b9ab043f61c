"""The table that bin/dev prints when everything runs."""

from __future__ import annotations

from pathlib import Path

from .bootstrap.ports import HOST

PLACES = (
    ("Start here", "/"),
    ("API", "/api/v1/products/"),
    ("API docs", "/api/docs/"),
    ("Admin", "/admin/"),
    ("Metrics", "/metrics"),
    ("Health", "/readyz"),
)
LOGINS = (
    ("admin", "admin", "superuser"),
    ("seller", "seller-demo", "sells"),
    ("buyer", "buyer-demo", "makes offers"),
)


def table(port: int, local_dir: Path, *, seeded: bool, workers: bool, seconds: float) -> str:
    """Return the URLs, the logins, one command to try, and how to stop."""
    base = f"http://{HOST}:{port}"
    lines = ["", f"The marketplace runs ({seconds:.1f} s).", ""]
    lines += [f"  {name:<12} {base}{path}" for name, path in PLACES]
    lines += ["", *_logins(seeded=seeded)]
    if not workers:
        lines.append("  No worker and no beat: views stay pending, refreshes and jobs do not run.")
    lines += ["", f"  Try it       curl -i {base}/api/v1/feeds/discover/"]
    lines += [f"  By hand      set -a; . {local_dir}/env; set +a; .venv/bin/python manage.py help"]
    lines += [f"  Logs         {local_dir}/logs/", "  Stop         Ctrl-C (the data stays)", ""]
    return "\n".join(lines)


def _logins(*, seeded: bool) -> list[str]:
    if not seeded:
        return ["  Logins       none; make one: manage.py createsuperuser, or the demo's: manage.py seed_demo"]
    rows = [f"{name} / {password}  ({role})" for name, password, role in LOGINS]
    return [f"  {'Logins' if row == rows[0] else '':<12} {row}" for row in rows]
