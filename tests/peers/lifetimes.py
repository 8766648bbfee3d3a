"""Lifetimes in a process of its own: BG/NBD and Gamma-Gamma, fitted to customers, and what it forecasts for them."""

import json
import sys
import warnings

warnings.filterwarnings("ignore")  # its own, of its own dependencies; what counts is what it answers
sys.path.pop(0)  # this folder holds a file of the library's own name
import numpy as np  # noqa: E402
from lifetimes import BetaGeoFitter, GammaGammaFitter  # noqa: E402

asked = {name: np.array(values, float) for name, values in json.load(sys.stdin).items()}
x, recency, age, value = asked["x"], asked["recency"], asked["age"], asked["value"]
orders = BetaGeoFitter().fit(x, recency, age)
again = x > 0
values = GammaGammaFitter().fit(x[again], value[again])
json.dump(
    {
        "orders": [float(orders.params_[name]) for name in ("r", "alpha", "a", "b")],
        "expected": np.asarray(
            orders.conditional_expected_number_of_purchases_up_to_time(52, x, recency, age)
        ).tolist(),
        "alive": np.asarray(orders.conditional_probability_alive(x, recency, age)).tolist(),
        "values": [float(values.params_[name]) for name in ("p", "q", "v")],
        "worth": np.asarray(values.conditional_expected_average_profit(x, value)).tolist(),
    },
    sys.stdout,
)
