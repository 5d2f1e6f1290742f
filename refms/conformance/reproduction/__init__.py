"""What to paste where a property fails: one wrong call made small, with an oracle of its own."""

from refms.conformance.reproduction.patience import Patience
from refms.conformance.reproduction.reproducing import Reproduction, replayed, reproduced, reproduced_in_time
from refms.conformance.reproduction.script import MARK, naming

__all__ = ["MARK", "Patience", "Reproduction", "naming", "replayed", "reproduced", "reproduced_in_time"]
