#!/usr/bin/env python3
"""Writes tests/golden/statistics.json with numpy 2.4.6, scipy 1.17.1 and statsmodels 0.15.0 from PyPI.

    pip install numpy==2.4.6 scipy==1.17.1 statsmodels==0.15.0
    make_statistics.py tests/golden/statistics.json

pass@k is the estimator that Chen et al. 2021 (arXiv 2107.03374) print as numpy code, averaged over problems; Wilson's
interval and McNemar's test are statsmodels'; the paired bootstrap is scipy.stats.bootstrap, percentile method, on the
differences, with so many resamples that its own error is far below the tolerance the test allows.
"""
import json
import sys

import numpy as np
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import proportion_confint


def pass_at_k(n, c, k):
    """1 - C(n-c, k) / C(n, k)"""
    if n - c < k:
        return 1.0
    return float(1.0 - np.prod(1.0 - k / np.arange(n - c + 1, n + 1)))


def passes():
    rows = []
    for n in (1, 2, 5, 8, 16, 64, 200):
        for c in sorted({0, 1, n // 3, n // 2, n - 1, n}):
            for k in sorted({1, 2, 5, 10, 100, n}):
                if k <= n:
                    rows.append([n, c, k, pass_at_k(n, c, k)])
    return rows


def wilson():
    rows = []
    for n in (1, 2, 10, 88, 256, 1000, 50000):
        for c in sorted({0, 1, n // 7, n // 2, n - 1, n}):
            low, high = proportion_confint(c, n, alpha=0.05, method="wilson")
            rows.append([c, n, float(low), float(high)])
    return rows


def mcnemar_rows():
    rows = []
    for a, b in ((0, 1), (1, 1), (0, 5), (2, 9), (9, 2), (10, 10), (3, 40), (70, 100), (400, 520)):
        table = [[50, a], [b, 30]]
        rows.append([a, b, float(mcnemar(table, exact=True).pvalue)])
    return rows


def bootstrap():
    rng = np.random.default_rng(20240607)
    rows = []
    for n, lift in ((40, 0.2), (100, 0.0), (256, 0.05), (256, -0.1), (600, 0.04)):
        a = rng.binomial(4, 0.4, n) / 4
        b = rng.binomial(4, 0.4 + lift, n) / 4
        difference = b - a
        result = stats.bootstrap((difference,), np.mean, n_resamples=200000, method="percentile",
                                 rng=np.random.default_rng(1), batch=20000)
        not_better = float(np.mean(result.bootstrap_distribution <= 0))
        interval = result.confidence_interval
        rows.append({"a": a.tolist(), "b": b.tolist(), "difference": float(difference.mean()),
                     "low": float(interval.low), "high": float(interval.high), "not_better": not_better,
                     "standard_error": float(result.standard_error)})
    return rows


with open(sys.argv[1], "w") as out:
    golden = {"pass_at_k": passes(), "wilson": wilson(), "mcnemar": mcnemar_rows(), "bootstrap": bootstrap()}
    out.write("{\n" + ",\n".join('"%s": %s' % (key, json.dumps(rows, separators=(",", ":")))
                                 for key, rows in golden.items()) + "\n}\n")
