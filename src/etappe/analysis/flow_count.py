"""Flow count: kernels that walk each journey from where a flow begins, and count its links.

A walk begins at the first touchpoint of code `anchor` (-1: at the journey's beginning)
and goes on, or with `back` goes back.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from etappe.analysis.kernel import kernel
from etappe.arrays import Int

BLOCK: Final = 2048
"""Journeys that go together, about 48 KB of places."""


@kernel
def count_pairs(
    offsets: Int, codes: NDArray[Any], anchor: int, back: bool, collapse: bool, k: int, depth: int, first: int,
    last: int,
) -> NDArray[np.uint32]:  # fmt: skip
    """Journeys for each step and pair of k names; name k stands for an end. O(touchpoints up to `depth`).

    Blocks of journeys go step by step together: which of them are over is then no branch, and a step's pairs stay in
    the processor's cache.
    """
    wide, gone = np.uint64(k + 1), np.uint64(k)
    counts = np.zeros(depth * (k + 1) * (k + 1), np.uint32)
    at, left = np.empty(BLOCK, np.int64), np.empty(BLOCK, np.int64)
    names = np.empty(BLOCK, np.uint64)
    turn = -1 if back else 1
    for a in range(first, last, BLOCK):
        walking = 0
        for c in range(a, min(last, a + BLOCK)):
            begin, many = offsets[c], offsets[c + 1] - offsets[c]
            found = 0
            if anchor >= 0:
                x = codes[begin : begin + many]
                while found < len(x) and x[found] != anchor:
                    found += 1
                at[walking] = begin + found + turn
                left[walking] = found if back else many - found - 1
                names[walking] = anchor
            else:
                at[walking], left[walking], names[walking] = begin, many, gone
            walking += found < many
        base = np.uint64(0)
        for _ in range(depth):
            on = 0
            for q in range(walking):
                place, more, name = at[q], left[q], names[q]
                # Of a journey that is over any touchpoint is read, and then not used.
                new = np.uint64(codes[np.uint64(place if more > 0 else 0)])
                if collapse:
                    while more > 0 and new == name:
                        place += turn
                        more -= 1
                        new = np.uint64(codes[np.uint64(place if more > 0 else 0)])
                new = new if more > 0 else gone
                counts[base + name * wide + new] += np.uint32(1)
                at[on], left[on], names[on] = place + turn, more - 1, new
                on += more > 0
            walking = on
            base += wide * wide
    return counts.reshape(depth, k + 1, k + 1)


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
