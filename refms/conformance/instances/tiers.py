"""The instances of a property in a tier."""

from __future__ import annotations

from refms.conformance.adapters.profile import Profile
from refms.conformance.instances.drawn import Instance, instances
from refms.conformance.instances.spread import HARSH, USUAL
from refms.conformance.property import Property
from refms.names import TIERS

_SPREADS = {"torture": HARSH}


def drawn(item: Property, profile: Profile, tier: str, seed: int) -> tuple[Instance, ...]:
    """Return the instances on which a property is checked.

    >>> from refms.conformance.properties import PROPERTIES
    >>> len(drawn(PROPERTIES[0], Profile("mine"), "quick", 0))
    4
    """
    count = max(1, TIERS[tier] // item.cost)
    return instances(item.domain, profile, count, seed, _SPREADS.get(tier, USUAL))
