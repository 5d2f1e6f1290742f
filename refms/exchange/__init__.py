"""Checking implementations in any language: cases go out as a file, results come back as one."""

from refms.exchange.judging import Judgement as Judgement
from refms.exchange.judging import judge as judge
from refms.exchange.layout import case_arrays as case_arrays
from refms.exchange.layout import precision_of as precision_of
from refms.exchange.reading import read_results as read_results
from refms.exchange.writing import write_cases as write_cases
