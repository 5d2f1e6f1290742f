"""What crosses to other languages and libraries: cases and results as files, weights of networks."""

from refms.exchange.batch_norm import fold_batch_norms as fold_batch_norms
from refms.exchange.judging import Judgement as Judgement
from refms.exchange.judging import judge as judge
from refms.exchange.layout import case_arrays as case_arrays
from refms.exchange.layout import precision_of as precision_of
from refms.exchange.reading import read_results as read_results
from refms.exchange.weights import export_weights as export_weights
from refms.exchange.weights import import_weights as import_weights
from refms.exchange.writing import write_cases as write_cases
