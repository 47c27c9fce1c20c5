"""Products of vectors without BLAS, whose threads wait for each other: costly on a busy server, and of little gain."""

import numpy as np
from numpy.typing import NDArray


def products(ones: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
    """The scalar products (n, k) of each of n vectors (n, d) with each of k (k, d), in this thread alone."""
    return np.asarray(np.vecdot(ones[:, np.newaxis, :], others[np.newaxis, :, :]), np.float32)
