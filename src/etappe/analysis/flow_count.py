"""Flow count: kernels that walk each journey from where a flow begins, and count its links.

A walk begins at the first touchpoint of code `anchor` (-1: at the journey's beginning)
and goes on, or with `back` goes back.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from etappe.analysis.kernel import kernel
from etappe.arrays import Int


@kernel
def count_pairs(
    offsets: Int, codes: NDArray[Any], anchor: int, back: bool, collapse: bool, k: int, depth: int, first: int,
    last: int,
) -> Int:  # fmt: skip
    """Journeys for each step and pair of k names; name k stands for an end. O(touchpoints up to `depth`)."""
    wide, gone = np.uint64(k + 1), np.uint64(k)
    layer = wide * wide
    stop = layer * np.uint64(depth)
    counts = np.zeros((depth + 1) * (k + 1) * (k + 1), np.int64)
    for c in range(first, last):
        x = codes[offsets[c] : offsets[c + 1]]
        begin, turn, many, name = 0, 1, len(x), gone
        if anchor >= 0:
            while begin < many and x[begin] != anchor:
                begin += 1
            if begin == many:
                continue
            name = np.uint64(anchor)
            many -= begin + 1
            begin += 1
            if back:
                begin, turn, many = begin - 2, -1, begin - 1
        elif many == 0:
            continue
        base = np.uint64(0)
        for i in range(many):
            new = np.uint64(x[np.uint64(begin + turn * i)])
            moves = np.uint64(1) if new != name or not collapse else np.uint64(0)
            counts[base + name * wide + new] += moves
            base += layer * moves
            name = new
            if base == stop:
                break
        if base < stop:
            counts[base + name * wide + gone] += 1
    return counts[: depth * (k + 1) * (k + 1)].reshape(depth, k + 1, k + 1)


@kernel
def count_nodes(
    offsets: Int, codes: NDArray[Any], anchor: int, back: bool, collapse: bool, shown: Int, m: int, first: int,
    last: int,
) -> Int:  # fmt: skip
    """As `count_pairs`, for m nodes: shown[step, name] is a name's node at a step."""
    depth, gone = len(shown) - 1, shown.shape[1] - 1
    counts = np.zeros((depth, m, m), np.int64)
    for c in range(first, last):
        x = codes[offsets[c] : offsets[c + 1]]
        at, name, s = 0, np.int64(gone), 0
        if anchor >= 0:
            while at < len(x) and x[at] != anchor:
                at += 1
            name = np.int64(anchor)
        if at == len(x):
            continue
        x = x[:at][::-1] if back else x[at + (anchor >= 0) :]
        node = shown[0, name]
        for i in range(len(x)):
            new = np.int64(x[i])
            if collapse and new == name:
                continue
            counts[s, node, shown[s + 1, new]] += 1
            node, name = shown[s + 1, new], new
            s += 1
            if s == depth:
                break
        if s < depth:
            counts[s, node, shown[s + 1, gone]] += 1
    return counts


@kernel
def links_at(
    offsets: Int, codes: NDArray[Any], anchor: int, back: bool, collapse: bool, gone: int, step: int, first: int,
    last: int, out: Int,
) -> None:  # fmt: skip
    """Each journey's names before and after a step; -1 where it does not come so far."""
    for c in range(first, last):
        x = codes[offsets[c] : offsets[c + 1]]
        at, name, s = 0, np.int64(gone), np.int64(0)
        if anchor >= 0:
            while at < len(x) and x[at] != anchor:
                at += 1
            name = np.int64(anchor)
        if at == len(x):
            continue
        x = x[:at][::-1] if back else x[at + (anchor >= 0) :]
        for i in range(len(x)):
            new = np.int64(x[i])
            if not collapse or new != name:
                s += 1
                if s == step:
                    out[c, 0], out[c, 1] = name, new
                    break
                name = new
        if s == step - 1:
            out[c, 0], out[c, 1] = name, gone
