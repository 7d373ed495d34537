"""Which of these belongs to which of those: the exact assignment of least cost."""

import numpy as np


def assign(costs: np.ndarray) -> list[tuple[int, int]]:
    """Pair rows with columns of (R, C): as many pairs as can be, and of those the ones with the least sum.

    Infinite costs are never paired.

    >>> assign(np.array([[1.0, 2.0], [1.5, 9.0]]))
    [(0, 1), (1, 0)]
    """
    possible = np.isfinite(costs)
    if not possible.any():
        return []
    if 1 in costs.shape:  # one face or one place: the usual case, which needs no solver
        row, column = divmod(int(costs.argmin()), costs.shape[1])
        return [(row, column)]
    import lap  # SciPy's solver gives the same, and takes 139 MB in place of 15

    # dearer than any set of pairs, so that a pair which may be is never given up for a cheaper sum
    beyond = 1.0 + 2 * min(costs.shape) * costs.max(initial=0.0, where=possible)
    _, columns, _ = lap.lapjv(np.where(possible, costs, beyond), extend_cost=True)
    return [(row, int(column)) for row, column in enumerate(columns) if column >= 0 and possible[row, column]]
