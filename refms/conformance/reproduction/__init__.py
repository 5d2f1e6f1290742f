"""What to paste where a property fails: one wrong call made small, with the definition as its oracle."""

from refms.conformance.reproduction.patience import Patience
from refms.conformance.reproduction.reproducing import Reproduction, replay, reproduce, reproduce_in_time
from refms.conformance.reproduction.script import MARK, name_adapter

__all__ = ["MARK", "Patience", "Reproduction", "name_adapter", "replay", "reproduce", "reproduce_in_time"]
