"""Counter-based random numbers: the draw for (seed, stream, index) never depends on any other draw.

So person i is the same for any number of people, entries or workers.
"""

import zlib

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]
GOLDEN, STRIDE = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD1342543DE82EF95)
FIRST, SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)  # splitmix64's factors


def mix(x: Words) -> Words:
    """Scramble 64-bit words by the finaliser of splitmix64, a bijection."""
    return _scramble(x.copy())


def _scramble(x: Words) -> Words:
    """Scramble the words in place: allocating an array per operation would cost more than the operation."""
    x ^= x >> np.uint64(30)
    x *= FIRST
    x ^= x >> np.uint64(27)
    x *= SECOND
    x ^= x >> np.uint64(31)
    return x


def stream_key(seed: int, stream: str) -> Words:
    """Return the 64-bit key, shape (1,), of one named stream of one seed (seed >= 0)."""
    return mix(np.array([(seed << 32) ^ zlib.crc32(stream.encode())], np.uint64) + GOLDEN)


def words(seed: int, stream: str, *index: NDArray[np.integer]) -> Words:
    """Draw one 64-bit word per broadcast element of the indices, each a non-negative integer array."""
    state = stream_key(seed, stream)
    for axis_index in index:
        state = _scramble(state + (GOLDEN + axis_index.astype(np.uint64) * STRIDE))
    return state


def below(draws: Words, bound: int | NDArray[np.integer]) -> NDArray[np.int64]:
    """Map 64-bit words to integers in [0, bound), bound < 2**31, by multiply and shift."""
    high = draws >> np.uint64(32)
    return ((high * np.asarray(bound, np.uint64)) >> np.uint64(32)).astype(np.int64)


def unit(draws: Words) -> NDArray[np.float64]:
    """Map 64-bit words to floats in [0, 1)."""
    return (draws >> np.uint64(11)).astype(np.float64) * 2.0**-53


def permute(index: NDArray[np.integer], size: int, seed: int, stream: str) -> NDArray[np.int64]:
    """Apply a seeded bijection of [0, size) to the indices: a Feistel network with cycle walking.

    Raises ValueError where an index lies outside [0, size).
    """
    if index.size and (index.min() < 0 or index.max() >= size):
        raise ValueError(f"index outside [0, {size})")
    half = np.uint64(max(1, ((size - 1).bit_length() + 1) // 2))
    out = _feistel(index.astype(np.uint64), half, seed, stream)
    while (outside := out >= size).any():
        out[outside] = _feistel(out[outside], half, seed, stream)
    return out.astype(np.int64)


def _feistel(x: Words, half: np.uint64, seed: int, stream: str, rounds: int = 6) -> Words:
    mask = (np.uint64(1) << half) - np.uint64(1)
    left, right = x >> half, x & mask
    for number in range(rounds):
        left, right = right, left ^ (words(seed, f"{stream}/{number}", right) & mask)
    return (left << half) | right
