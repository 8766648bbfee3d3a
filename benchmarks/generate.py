"""Generate: a touchpoint log of a web shop that never was, the same for the same number and seed.

40 touchpoints, 12 channels, journeys of median length 5 and mean 9.7, at most 2,000. The file is in order of time, so
that every reader has to find the journeys by itself.

    python benchmarks/generate.py 1000000 /tmp/log-1m.parquet
"""

import sys
from pathlib import Path

import numba
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

TOUCHPOINTS = [
    "ad_display", "ad_video", "ad_search", "ad_social", "ad_retarget", "social_post", "social_story", "social_click",
    "search_organic", "search_brand", "email_open", "email_click", "email_signup", "push_open", "push_click",
    "sms_click", "affiliate_click", "referral_click", "direct_visit", "home", "category", "product",
    "product_review_read", "product_compare", "site_search", "blog", "pricing", "faq", "wishlist", "cart_add",
    "cart_view", "cart_remove", "checkout_start", "checkout_address", "checkout_payment", "purchase", "support_chat",
    "support_ticket", "review_write", "app_open",
]  # fmt: skip
CHANNELS = [
    "display", "video", "paid_search", "paid_social", "retargeting", "organic_social", "organic_search", "email",
    "push_sms", "affiliate", "direct", "referral",
]  # fmt: skip
AT = {name: i for i, name in enumerate(TOUCHPOINTS)}
K = len(TOUCHPOINTS)
OWN_CHANNEL = [0, 1, 2, 3, 4, 5, 5, 5, 6, 6, 7, 7, 7, 8, 8, 8, 9, 11, 10]
"""The channel of the first 19 touchpoints; what follows on the site inherits the last one."""
DAY_US = 86_400_000_000
START_US = 1_704_067_200_000_000
YEAR_US = 365 * DAY_US
BATCH = 1_000_000


def model() -> tuple[np.ndarray, np.ndarray]:
    """Cumulative chances of the first touchpoint, and of the next one after each."""
    rng = np.random.default_rng(12345)
    base = np.empty(K)
    base[rng.permutation(K)] = 1.0 / np.arange(1, K + 1) ** 0.9
    base[AT["home"] : AT["product"] + 1] *= 4
    base[[AT["purchase"], AT["review_write"]]] *= 0.15
    base /= base.sum()
    after = 0.35 * np.tile(base, (K, 1)) + 0.05 * rng.dirichlet(np.full(K, 0.1), K)
    for ad in range(AT["home"]):
        after[ad, [AT["home"], AT["category"], AT["product"]]] += (0.3, 0.25, 0.25)
    for site in range(AT["home"], AT["cart_view"]):
        after[site, [AT["category"], AT["product"], AT["cart_add"]]] += (0.2, 0.4, 0.12)
    for a, b, weight in (
        ("cart_add", "cart_view", 0.8),
        ("cart_view", "checkout_start", 0.6),
        ("cart_view", "cart_remove", 0.1),
        ("checkout_start", "checkout_address", 1.0),
        ("checkout_address", "checkout_payment", 1.0),
        ("checkout_payment", "purchase", 1.2),
        ("purchase", "review_write", 0.2),
        ("purchase", "support_chat", 0.1),
        ("support_chat", "support_ticket", 0.3),
        ("app_open", "home", 0.5),
    ):
        after[AT[a], AT[b]] += weight
    first = base.copy()
    first[: AT["home"]] *= 6
    first[AT["checkout_start"] : AT["support_chat"]] = 0
    cumulative_first = np.cumsum(first / first.sum())
    cumulative = np.cumsum(after / after.sum(1, keepdims=True), 1)
    cumulative_first[-1] = cumulative[:, -1] = 1.0
    return cumulative_first, cumulative


@numba.njit(cache=True)
def _walk(offsets, seeds, first, after, own_channel, purchase, start_us, year_us):
    """Walk through each journey: within a session minutes lie between, else hours, else days."""
    t = offsets[-1]
    times = np.empty(t, np.int64)
    codes = np.empty(t, np.uint8)
    channels = np.empty(t, np.uint8)
    values = np.full(t, np.nan)
    for c in range(len(offsets) - 1):
        np.random.seed(seeds[c])
        now = start_us + np.int64(np.random.random() * year_us * 0.97)
        end = start_us + year_us
        code = np.searchsorted(first, np.random.random())
        channel = np.random.randint(0, 12)
        for i in range(offsets[c], offsets[c + 1]):
            if i > offsets[c]:
                chance = np.random.random()
                mean = 150e6 if chance < 0.72 else 6 * 3600e6 if chance < 0.9 else 9 * 86400e6
                pause = np.random.exponential(mean)
                # Long pauses shrink so that the journey fits into the rest of the year.
                room = (end - now) / (offsets[c + 1] - i + 1.0) * 3
                if pause > room:
                    pause = np.random.random() * room
                now += np.int64(pause) + 1
                code = np.searchsorted(after[code], np.random.random())
            if code < len(own_channel):
                channel = own_channel[code]
            times[i] = min(now, end - 1)
            codes[i] = code
            channels[i] = channel
            if code == purchase:
                values[i] = np.floor(np.exp(np.random.normal(4.0, 0.8)) * 100) / 100
    return times, codes, channels, values


def generate(events: int, path: Path, seed: int = 7) -> None:
    """Write a Parquet file of so many events in order of time."""
    rng = np.random.default_rng(seed)
    guess = events // 9 + 1000
    lengths = np.clip(np.rint(rng.lognormal(np.log(4.7), 1.2, guess)).astype(np.int64), 1, 2000)
    ends = np.cumsum(lengths)
    n = int(np.searchsorted(ends, events)) + 1
    lengths = lengths[:n]
    lengths[-1] -= ends[n - 1] - events
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    seeds = rng.integers(0, 2**31 - 1, n)
    first, after = model()
    own = np.array(OWN_CHANNEL)
    times, codes, channels, values = _walk(offsets, seeds, first, after, own, AT["purchase"], START_US, YEAR_US)
    customers = np.repeat(rng.permutation(n).astype(np.int32), lengths)
    order = np.argsort(times, kind="stable")
    names, places = pa.array(TOUCHPOINTS), pa.array(CHANNELS)
    writer = None
    for at in range(0, events, BATCH):
        rows = order[at : at + BATCH]
        value = values[rows]
        table = pa.table(
            {
                "customer_id": _ids(customers[rows]),
                "timestamp": pa.array(times[rows], pa.timestamp("us")),
                "touchpoint": names.take(pa.array(codes[rows].astype(np.int32))),
                "channel": places.take(pa.array(channels[rows].astype(np.int32))),
                "value": pa.array(value, mask=np.isnan(value)),
            }
        )
        writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table)
    if writer:
        writer.close()


def _ids(numbers: np.ndarray) -> pa.StringArray:
    """Texts such as c00000042, without a Python object for each."""
    digits = np.empty((len(numbers), 9), np.uint8)
    digits[:, 0] = ord("c")
    rest = numbers.astype(np.int64)
    for place in range(8, 0, -1):
        digits[:, place] = ord("0") + rest % 10
        rest //= 10
    ends = np.arange(0, (len(numbers) + 1) * 9, 9, dtype=np.int32)
    return pa.StringArray.from_buffers(len(numbers), pa.py_buffer(ends), pa.py_buffer(digits))


if __name__ == "__main__":
    generate(int(float(sys.argv[1])), Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 7)
