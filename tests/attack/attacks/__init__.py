"""The attacks, a module or two for each fault. Importing this registers all of them; must never carry one out."""

from . import audit, bundles, connections, customers, forget, guard, keys, moves, shares, storage, sweep  # noqa: F401
