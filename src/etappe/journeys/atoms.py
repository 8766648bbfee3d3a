"""Atoms: the kernel that gives each touchpoint its default atom, or that of the first rule that fits what came before.

It knows codes only: which atoms and rules a code has, and what a code is for later touchpoints of the same journey.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from etappe.arrays import Int, over_parts
from etappe.journeys.sorting import kernel

Bool = NDArray[np.bool_]


@kernel
def _atoms(
    offsets: Int,
    codes: NDArray[Any],
    default: NDArray[np.uint8],
    rules: Int,
    needs: Int,
    atom_of: NDArray[np.uint8],
    marks: Int,
    marked: Int,
    kinds: int,
    first: int,
    last: int,
    out: NDArray[np.uint8],
) -> None:
    """Code x has the rules rules[x] to rules[x + 1] in their order, and is of the kinds marked[marks[x] to …].

    Rule r fits where a touchpoint of the kind needs[r] came before in the journey. O(t * rules of a code).
    """
    seen = np.full(kinds, -1, np.int64)
    for c in range(first, last):
        own = codes[offsets[c] : offsets[c + 1]]
        atoms = out[offsets[c] : offsets[c + 1]]
        for i in range(len(own)):
            code = np.int64(own[i])
            atom = default[code]
            for r in range(rules[code], rules[code + 1]):
                if seen[needs[r]] == c:
                    atom = atom_of[r]
                    break
            atoms[i] = atom
            for m in range(marks[code], marks[code + 1]):
                seen[marked[m]] = c


def atoms_after(
    offsets: Int, codes: NDArray[Any], default: NDArray[np.uint8], rules: list[tuple[Bool, Bool, int]]
) -> NDArray[np.uint8]:
    """The atom of every touchpoint.

    `default` holds the atom of each code; a rule is which codes it is for, which codes must have come before in the
    journey, and its atom; the first that fits wins.

    Examples
    --------
    >>> visit, order = np.asarray([True, False]), np.asarray([False, True])
    >>> codes, default = np.asarray([0, 1, 0], np.uint8), np.asarray([1, 4], np.uint8)
    >>> atoms_after(np.asarray([0, 3]), codes, default, [(visit, order, 6)])
    array([1, 4, 6], dtype=uint8)
    """
    befores = [before for _, before, _ in rules]
    kinds = {before.tobytes(): before for before in befores}
    number = {key: i for i, key in enumerate(kinds)}
    rules_of = [[r for r, rule in enumerate(rules) if rule[0][code]] for code in range(len(default))]
    kinds_of = [[i for i, before in enumerate(kinds.values()) if before[code]] for code in range(len(default))]
    needs = [number[befores[r].tobytes()] for own in rules_of for r in own]
    out = np.empty(len(codes), np.uint8)
    plain = np.ascontiguousarray(offsets).view(np.ndarray), np.ascontiguousarray(codes).view(np.ndarray)
    for array in plain:
        array.flags.writeable = False  # so that the kernel has one signature a type
    given = (
        *plain,
        default,
        _starts(rules_of),
        np.asarray(needs, np.int64),
        np.asarray([rules[r][2] for own in rules_of for r in own], np.uint8),
        _starts(kinds_of),
        np.asarray([kind for own in kinds_of for kind in own], np.int64),
        len(kinds),
    )
    over_parts(plain[0], lambda a, b: _atoms(*given, a, b, out))
    return out


def _starts(lists: list[list[int]]) -> Int:
    return np.concatenate(([0], np.cumsum([len(one) for one in lists]))).astype(np.int64)
