"""Spark: a question over partitions of whole customers, with the kernels of the local engine; needs the extra `spark`.

Spark reads the lake's Parquet files, brings each customer's touchpoints together and into the order (time, order of
receipt), and hands them to `mapInArrow`. There they become journeys, a condition leaves some of them, and the
question's own `partial` counts in these. Only partials reach the driver, and the names of columns that a condition
compares: what is wrong with it is a fact of all the data. No number is defined in SQL.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from etappe.analysis.answer import Answer, Question
from etappe.analysis.ask import module_of, question_of
from etappe.analysis.partials import packed, unpacked
from etappe.arrays import Column, Int, code_type
from etappe.engines.parts import (
    Contribution,
    Part,
    answer_from,
    labelled,
    part_of,
    refuse_what_does_not_add,
    room_of,
)
from etappe.engines.spark_rows import events_of, latest_of, names_of, people_of, texts_of
from etappe.errors import EtappeError, MissingExtra
from etappe.expression import Condition, read_condition
from etappe.journeys.build import BASE_COLUMNS, Store, property_of
from etappe.journeys.columns import Journeys, Origin, money_texts
from etappe.journeys.conditions import journeys_that, over_touchpoints, touchpoints_that
from etappe.journeys.sorting import coded, coded_touchpoints
from etappe.journeys.stages import Registry, default_registry
from etappe.store.lake import ATTRIBUTES, EVENTS, LakeTable
from etappe.units import NO_VALUE

PART: Final = "part string, `group` string, journeys bigint, subjects bigint, events bigint, partial binary"
"""A row with the size of the part, and one for each group with its partial; as Spark and as Arrow say it.

A worker's refusal is a row too: an exception there would be tried again, and lose its words."""
COUNT, TEXT = pa.int64(), pa.string()
ROWS: Final = pa.schema(
    {"part": TEXT, "group": TEXT, "journeys": COUNT, "subjects": COUNT, "events": COUNT, "partial": pa.binary()}
)
EVENTS_A_PARTITION: Final = 2_000_000
BATCH: Final = 100_000
FOREVER: Final = 2**62
REFUSED: Final = "refused"
ATTRIBUTE_PREFIX: Final = "attribute "


@dataclass(frozen=True)
class View:
    """What a workspace's journeys are, beside its lake: their time zone, properties, labels, days and condition."""

    timezone: str = "UTC"
    properties: tuple[str, ...] = ()
    registry: Registry = field(default_factory=default_registry)
    model: str = "m4"
    language: str = "en"
    start_us: int | None = None
    end_us: int | None = None
    where: Condition | None = None


@dataclass(frozen=True)
class _Plan:
    """What every partition needs to know."""

    view: View
    touchpoints: tuple[str, ...]
    origin: Origin
    columns: tuple[str, ...]
    """All names of further columns; those that are read come with the rows."""
    attributes: tuple[str, ...]
    question: Question
    names: Mapping[str, tuple[str | None, ...]] = field(default_factory=dict)
    """The names behind the codes of columns that must have the same ones in all partitions."""
    room: int = 0


def answer(
    store: Store | str | Path,
    question: Question | Mapping[str, Any],
    *,
    view: View | None = None,
    master: str | None = None,
    partitions: int | None = None,
) -> Answer:
    """Answer a question on a Spark cluster, equal to the local answer.

    Parameters
    ----------
    store : the lake of a workspace with its imports in force, or the folder of an events table, all of it
    view : time zone, properties, labels, days and condition; a workspace gives its own
    master : such as "local[2]" or "spark://host:7077"; by default as Spark itself is configured
    partitions : by default one for two million events, and two for each core at least

    Raises
    ------
    MissingExtra
        pyspark is not installed.
    BadQuestion
        The question's partial answers do not add up.
    BadExpression, UnknownName
        The view's condition cannot be read, or names what is not in the data.
    """
    asked = question_of(question) if isinstance(question, Mapping) else question
    refuse_what_does_not_add(asked, 'engine "spark"')
    given = view or View()
    if given.where is not None:
        read_condition(given.where, "where")  # refused before Spark starts
    lake = store if isinstance(store, Store) else _whole(Path(store))
    files = [str(path) for name in lake.imports for path in sorted(lake.events.parts().get(name, []))]
    session = _session(master)
    plan, rows, nothing = _planned(session, lake, files, given, asked)
    part_of(nothing, asked, 1)  # whatever is wrong with the question is said here, before any work
    if not files:
        return answer_from([part_of(nothing, asked, 1)], asked, nothing, nothing.origin)
    cores = session.sparkContext.defaultParallelism
    number = partitions or max(2 * cores, -(-plan.origin.events // EVENTS_A_PARTITION))
    plan = replace(plan, room=room_of(number))
    sorted_rows = rows.repartition(number, "actor").sortWithinPartitions("actor", "time_us", "seq").drop("seq")

    def work(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return _work(plan, batches)

    found = sorted_rows.mapInArrow(work, PART).collect()
    return answer_from(_parts(found), asked, nothing, nothing.origin)


def _whole(folder: Path) -> Store:
    events = LakeTable(folder, EVENTS)
    attributes = LakeTable(folder.parent / "attributes", ATTRIBUTES)
    imports = sorted({*events.parts(), *attributes.parts()}, key=lambda name: (len(name), name))  # i2 before i10
    return Store(folder, events, attributes, imports)


def _session(master: str | None) -> Any:
    """A session that gives Python whole batches, in UTC; one that runs already is used."""
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        install = "Install it with: pip install 'etappe[spark]'"
        raise MissingExtra("", "engine 'spark' needs pyspark.", install) from None
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName("etappe")
    if master is not None:
        builder = builder.master(master)
        if master.startswith("local"):
            os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
            builder = builder.config("spark.driver.host", "127.0.0.1").config("spark.ui.enabled", "false")
    session = builder.getOrCreate()
    session.conf.set("spark.sql.session.timeZone", "UTC")
    session.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", str(BATCH))
    return session


def _planned(
    session: Any, lake: Store, files: Sequence[str], view: View, question: Question
) -> tuple[_Plan, Any, Journeys]:
    """What the partitions need, the rows that they get, and journeys without a touchpoint that know all names."""
    from pyspark.sql import functions as F  # noqa: N812  (its own name for it)

    columns = tuple(dict.fromkeys((*BASE_COLUMNS, *(name for name in view.properties if name != "value"))))
    events = events_of(session, lake, files)
    at = F.unix_micros("time")
    start = -FOREVER if view.start_us is None else view.start_us
    end = FOREVER if view.end_us is None else view.end_us
    inside = (at >= start) & (at < end)
    ends = F.min(F.when(inside, at)).alias("low"), F.max(F.when(inside, at)).alias("high")
    found = events.groupBy("touchpoint").agg(F.count("*").alias("n"), F.max(at).alias("until"), *ends).collect()
    _, touchpoints = coded_touchpoints(pa.chunked_array([pa.array([row.touchpoint for row in found], pa.string())]))
    people = people_of(session, lake)
    attributes = () if people is None else tuple(sorted(row.name for row in people.select("name").distinct().collect()))
    origin = Origin(
        data_until_us=max((row.until for row in found), default=None),
        lake=f"{lake.version}:customer",
        timezone=view.timezone,
        events=sum(row.n for row in found),
    )
    plan = _Plan(view, touchpoints, origin, columns, attributes, question)
    reads = _reads(plan)
    names = {name: names_of(events, name) for name in reads.named & {*columns, "value"}}
    for name in reads.compared:
        names[ATTRIBUTE_PREFIX + name] = texts_of(people.where(F.col("name") == name).select("value"))
    times = [us for row in found for us in (row.low, row.high) if us is not None]
    nothing = _nothing(replace(plan, names=names), [min(times), max(times)] if times else [])

    kept: list[str] = [name for name in (*BASE_COLUMNS, "value") if name in reads.columns]
    kept += ["properties"] if reads.columns & {*view.properties} - {*kept} else []
    codes = session.createDataFrame(list(enumerate(touchpoints)), "code int, touchpoint string")
    rows = events.join(F.broadcast(codes), "touchpoint").select(
        "actor", "seq", at.alias("time_us"), "code", *(F.col(f"`{name}`") for name in kept)
    )
    for name in sorted(reads.attributes):
        latest = latest_of(session, lake, people.where(F.col("name") == name))
        rows = rows.join(latest.withColumnRenamed("value", ATTRIBUTE_PREFIX + name), "actor", "left")
    return replace(plan, names={name: names[name] for name in reads.agreed & names.keys()}), rows, nothing


@dataclass(frozen=True)
class _Reads:
    """What a question and its condition read beside touchpoints and times."""

    columns: frozenset[str]
    attributes: frozenset[str]
    agreed: frozenset[str]
    """The columns that must have the same codes in all partitions."""
    named: frozenset[str]
    """The columns whose names must be known before: those that agree, and those that the condition compares."""
    compared: frozenset[str]
    """The attributes that the condition compares."""


def _reads(plan: _Plan) -> _Reads:
    question, known = plan.question, frozenset(plan.attributes)
    module = module_of(str(question.__struct_config__.tag))
    agreed = frozenset(getattr(module, "agreed", lambda _: ())(question))
    told = (*getattr(module, "NEEDS", ()), *getattr(module, "needs", lambda _: ())(question), *agreed)
    needs = frozenset(name for name in told if name is not None)
    asked = frozenset() if plan.view.where is None else read_condition(plan.view.where).columns
    by = question.group_by()
    either = asked if by is None else asked | {by}  # an attribute goes before a column of the same name
    return _Reads(
        columns=needs | (either - known),
        attributes=(needs | either) & known,
        agreed=agreed,
        named=agreed | (asked - known),
        compared=asked & known,
    )


def _work(plan: _Plan, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """In a worker: journeys from a partition's rows, and what they contribute."""
    held = list(batches)
    if not held:
        return
    name = str(held[0].column(0)[0].as_py())  # a customer of this part names it
    try:
        part = part_of(_partition(plan, pa.Table.from_batches(held)), plan.question, plan.room)
    except EtappeError as refusal:
        told = json.dumps(refusal.to_dict()).encode()
        yield pa.RecordBatch.from_pylist([{"part": name, "group": REFUSED, "journeys": -1, "partial": told}], ROWS)
        return
    rows: list[tuple[Any, ...]] = [(name, None, part.journeys, part.subjects, part.events, None)]
    rows += [(name, one.group, one.journeys, 0, one.events, packed(one.partial)) for one in part.groups]
    columns = [pa.array(column, kind.type) for column, kind in zip(zip(*rows, strict=True), ROWS, strict=True)]
    yield pa.RecordBatch.from_arrays(columns, schema=ROWS)


def _parts(rows: Sequence[Any]) -> Iterator[Part]:
    """The parts behind the rows that came back."""
    for _, mine in groupby(sorted(rows, key=lambda row: str(row.part)), key=lambda row: row.part):
        each = list(mine)
        if each[0].group == REFUSED and each[0].journeys < 0:
            told = json.loads(bytes(each[0].partial))
            kinds = {kind.code: kind for kind in EtappeError.__subclasses__()}
            raise kinds.get(told["code"], EtappeError)(told["where"], told["what"], told["hint"])
        size = next(row for row in each if row.partial is None)
        groups = (
            Contribution(row.group, row.journeys, row.events, unpacked(bytes(row.partial)))
            for row in each
            if row.partial is not None
        )
        yield Part(size.journeys, size.subjects, size.events, tuple(groups))


def _partition(plan: _Plan, rows: pa.Table) -> Journeys:
    """The journeys of a partition, from rows in the order (customer, time, receipt), that meet the condition."""

    def column(name: str) -> Column:
        if name == "value":
            found = money_texts(value())
        else:
            found = coded(rows[name]) if name in rows.column_names else property_of(rows["properties"], name)
        return _agreed(found, plan.names[name]) if name in plan.names else found

    def value() -> Int:
        found: Int = rows["value"].fill_null(NO_VALUE).to_numpy()
        return found

    arrays = rows["actor"].to_numpy(), rows["time_us"].to_numpy(), rows["code"].to_numpy()
    held = _journeys(plan, *arrays, column, value)
    if plan.view.where is None:
        return held
    condition = read_condition(plan.view.where)
    if over_touchpoints(held, condition.tree):
        return held.keep(touchpoints_that(held, condition, part=True))
    return held.select(journeys_that(held, condition, part=True))


def _agreed(column: Column, names: tuple[str | None, ...]) -> Column:
    """A column with the codes of all partitions."""
    place = {name: code for code, name in enumerate(names)}
    return Column(np.array([place[name] for name in column.names], code_type(len(names)))[column.codes], names)


def _nothing(plan: _Plan, times: Sequence[int]) -> Journeys:
    """No journeys, with the names and the origin of those that the question is asked of.

    One journey from the first to the last instant tries the condition: what is wrong with it is said before any work.
    """
    t = len(times)

    def column(name: str) -> Column:
        return Column(np.zeros(t, np.uint8), plan.names.get(name, (None,)))

    one: Int = np.zeros(t, np.int64)
    held = _journeys(plan, one, np.array(times, np.int64), one, column, lambda: np.full(t, NO_VALUE, np.int64))
    held = labelled(held, plan.question, plan.view.registry)
    return (held if plan.view.where is None else held.where(plan.view.where)).part(0, 0)


def _journeys(
    plan: _Plan, actor: Int, time_us: Int, codes: Int, column: Callable[[str], Column], value: Callable[[], Int]
) -> Journeys:
    """Journeys from rows in order, before any condition; `column` reads what further columns say."""
    starts = np.flatnonzero(np.diff(actor, prepend=actor[:1] - 1))
    offsets = np.append(starts, len(actor)).astype(np.int64)

    def attribute(name: str) -> Column:
        return column(ATTRIBUTE_PREFIX + name).take(offsets[:-1])

    held = Journeys(
        offsets=offsets,
        time_us=time_us,
        touchpoint=codes.astype(np.uint8 if code_type(len(plan.touchpoints)) is np.uint8 else np.uint16),
        touchpoints=plan.touchpoints,
        subject=actor[starts],
        lazy={name: partial(column, name) for name in (*plan.columns, "value")},
        lazy_attributes={name: partial(attribute, name) for name in plan.attributes},
        origin=plan.origin,
        lazy_value=value,
    )
    view = plan.view
    held = held.labelled(view.registry, model=view.model, lang=view.language)
    return held if view.start_us is None and view.end_us is None else held.between(view.start_us, view.end_us)
