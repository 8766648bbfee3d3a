"""Lanes: what the processor does with eight values at once and Numba has no word for, said to its compiler directly.

Both are plain LLVM, the same on every processor: one asks for memory ahead of time, one writes eight places at once.
"""

from typing import Any, Final

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

LANES: Final = 8

PLACES: Final = np.array(
    [[i for i in range(LANES) if byte >> i & 1] + [0] * (LANES - byte.bit_count()) for byte in range(256)],
    np.uint16,
)
"""For each byte the places of its bits that are set, in order; the rest is filled up."""
COUNTS: Final = np.array([byte.bit_count() for byte in range(256)], np.uint64)
GATHER: Final = np.uint64(0x0102040810204080)
"""A word of eight bytes, each 0 or 1, times this: its highest byte has bit i set where byte i was 1."""
SUMS: Final = np.uint64(0x0101010101010101)
"""A word of eight bytes times this: byte i is the sum of the bytes 0 to i, if no sum exceeds 255."""


def _address(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
    return builder.gep(context.make_array(kind)(context, builder, array).data, [index])


def _put_places(typing: Any, table: Any, byte: Any, into: Any, at: Any, base: Any) -> Any:
    """`into[at:at + 8] = table[byte] + base`, in one step; all uint16. There must be room for all eight."""
    del typing

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        lanes = ir.VectorType(ir.IntType(16), LANES)
        word, pick = ir.IntType(64), ir.IntType(32)
        row = builder.shl(args[1], word(LANES.bit_length() - 1))
        source = _address(context, builder, signature.args[0], args[0], row)
        places = builder.load(builder.bitcast(source, lanes.as_pointer()), align=2)
        alone = builder.insert_element(ir.Constant(lanes, ir.Undefined), args[4], pick(0))
        everywhere = ir.Constant(ir.VectorType(pick, LANES), [0] * LANES)
        moved = builder.add(places, builder.shuffle_vector(alone, ir.Constant(lanes, ir.Undefined), everywhere))
        target = _address(context, builder, signature.args[2], args[2], args[3])
        builder.store(moved, builder.bitcast(target, lanes.as_pointer()), align=2)
        return context.get_dummy_value()

    return types.void(table, byte, into, at, base), generate


def _fetch(typing: Any, array: Any, index: Any) -> Any:
    """Ask for the line of memory of `array[index]`, to be read soon; an index out of range does no harm."""
    del typing

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        byte, pick = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, pick, pick, pick])
        ask = builder.module.declare_intrinsic("llvm.prefetch", [byte], kind)
        address = _address(context, builder, signature.args[0], args[0], args[1])
        builder.call(ask, [builder.bitcast(address, byte), pick(0), pick(3), pick(1)])  # to read, to keep, data
        return context.get_dummy_value()

    return types.void(array, index), generate


put_places: Any = intrinsic(_put_places)
fetch: Any = intrinsic(_fetch)
