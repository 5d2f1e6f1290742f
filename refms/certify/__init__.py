"""Certified truth: goldens proved in ball arithmetic from the formulas alone, and refms held against them."""

from refms.certify.archive import difference as difference
from refms.certify.archive import from_artifact as from_artifact
from refms.certify.archive import shipped as shipped
from refms.certify.archive import to_artifact as to_artifact
from refms.certify.certificate import Comparison as Comparison
from refms.certify.certificate import certify as certify
from refms.certify.certificate import prove_all as prove_all
from refms.certify.golden import Golden as Golden
