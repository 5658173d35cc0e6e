"""What a Bugzilla product lacks for tickets
(https://bugzilla.readthedocs.io/en/latest/api/core/v1/product.html#get-product).
"""

from __future__ import annotations

from typing import Callable, Iterator, List

from reviewloop.trackers import parse
from reviewloop.trackers.adapters.bugzilla.bugs import Bugs
from reviewloop.trackers.adapters.bugzilla.rest import Row
from reviewloop.trackers.rest import member
from reviewloop.trackers.shortfalls import Shortfall

_FIELDS = "name,is_active,components.name,components.is_active,versions.name"


def shortfalls(bugs: Bugs, product: str, option: Callable[[str], str]) -> Iterator[Shortfall]:
    """One after the other; raises what reading the product raises."""
    data = bugs.read("/product", names=product, include_fields=_FIELDS)
    rows = parse.sequence(parse.required(data, "products", "the answer"), "the products")
    if not rows:
        yield Shortfall(
            f"Bugzilla has no product {product!r}, or does not show it to us.",
            "Correct tracker.project, or let the account see the product.",
        )
        return
    about = parse.mapping(rows[0], "a product")
    if about.get("is_active") is False:
        yield Shortfall(
            f"The product {product} is closed for new bugs.", "Open it, or set tracker.project."
        )
    for name in ("component", "version"):
        names = _names(about, f"{name}s")
        wanted = option(name)
        if names and wanted not in names:
            yield Shortfall(
                f"The product {product} has no {name} {wanted!r}.",
                f"Set tracker.options.{name} to one of: {', '.join(names)}.",
            )


def _names(about: Row, what: str) -> List[str]:
    rows = about.get(what)
    return [member(one, "name") for one in rows] if isinstance(rows, list) else []
