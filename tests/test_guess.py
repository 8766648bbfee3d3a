"""A file without a mapping is understood by its names and values, and what was guessed is said."""

import pyarrow as pa
import pytest

from etappe.collect.files import read
from etappe.collect.guess import guess, sentences
from etappe.collect.mapping import MoneyField, TextField, TimeField, mapping_toml, read_mapping
from etappe.errors import BadMapping
from test_files import SHARED, needs_data


def guessed(tmp_path, text, name="a.csv", **more):
    (tmp_path / name).write_text(text, encoding="utf-8")
    return guess(tmp_path / name, **more)


def test_german_names_are_understood_and_said(tmp_path):
    text = (
        "Kundennummer;Bestelldatum;Ereignis;Kanal;Betrag;Währung;Bestellnummer;Gerät;E-Mail\n"
        "0017;03.11.2019 17:59;Kauf;Filiale;12,50;EUR;A1;Handy;a@example.org\n"
    )
    found = guessed(tmp_path, text, timezone="Europe/Berlin", lang="de")
    mapping = found.mapping
    assert (mapping.customer, mapping.time, mapping.touchpoint, mapping.channel, mapping.order) == (
        "Kundennummer", "Bestelldatum", "Ereignis", "Kanal", "Bestellnummer",
    )  # fmt: skip
    assert mapping.value == MoneyField(column="Betrag", currency=TextField(column="Währung"))
    assert mapping.properties == ["Gerät"]
    assert "Die Kundenkennung ist Spalte Kundennummer, nach ihrem Namen." in found.sentences
    assert any("E-Mail" in sentence and sentence.startswith("Nicht übernommen") for sentence in found.sentences)
    events = next(read([tmp_path / "a.csv"], mapping)).events
    assert sentences(events, "de", "Europe/Berlin") == [
        "Am 03.11.2019 um 17:59 Uhr hatte Kund:in 0017 den Kontaktpunkt Kauf im Kanal Filiale, "
        "Wert 12,50 EUR (Bestellung A1)."
    ]


def test_an_unusual_time_format_is_found_by_its_values(tmp_path):
    found = guessed(tmp_path, "user_id,date,event\n1,25/12/2023,a\n2,1/2/2024,b\n")
    assert found.mapping.time == TimeField(column="date", format="%d/%m/%Y")
    found = guessed(tmp_path, "user_id,event_timestamp,event\n1,1617691790431476,a\n2,1617691790431477,b\n")
    assert found.mapping.time == TimeField(column="event_timestamp", format="epoch_us")


def test_a_file_of_customers_becomes_attributes(tmp_path):
    found = guessed(tmp_path, "customer_id,age,income\n1,45-54,50K\n2,25-34,35K\n")
    assert found.mapping.attributes.columns == ["age", "income"]
    chunk = next(read([tmp_path / "a.csv"], found.mapping))
    assert chunk.events is None
    assert chunk.attributes.to_pylist()[0] == {"customer": "1", "name": "age", "value": "45-54"}


def test_what_cannot_be_guessed_is_refused_with_the_columns(tmp_path):
    with pytest.raises(BadMapping, match=r"no column looks like the time. .* columns: colour, size"):
        guessed(tmp_path, "colour,size\nred,1\n")
    with pytest.raises(BadMapping, match="no column looks like the customer"):
        guessed(tmp_path, "colour,date\nred,2024-01-01\n")


def test_the_first_events_are_told_as_sentences():
    assert sentences(None, "en") == []


REAL = {
    "process_logs/receipt.csv": ("case:concept:name", "time:timestamp", "concept:name", 8_577),
    "process_logs/receipt.parquet": ("case:concept:name", "time:timestamp", "concept:name", 8_577),
    "simple_onlineshop/simple-onlineshop.csv": ("user_id", "timestamp", "event", 32_283),
    "simple_onlineshop/ab_test_demo.csv.gz": ("user_id", "timestamp", "event", 33_279),
    "cdnow/CDNOW_master.txt.gz": ("customer_id", "date", TextField(value="purchase"), 69_659),
    "cdnow/CDNOW_sample.txt": (1, 3, TextField(value="purchase"), 6_919),
    "repeat_buying_small/apparelTrans.csv": ("Id", "Date", TextField(value="purchase"), 3_187),
    "repeat_buying_small/groceryElog.csv": ("cust", "date", TextField(value="groceryElog"), 10_483),
}


@needs_data
@pytest.mark.parametrize("name", REAL)
def test_real_files_are_understood_without_a_mapping(name):
    found = guess(SHARED / name, timezone="Europe/Amsterdam")
    mapping = read_mapping(mapping_toml(found.mapping))
    assert mapping == found.mapping
    chunks = list(read([SHARED / name], mapping))
    events = pa.concat_tables([chunk.events for chunk in chunks])
    assert (mapping.customer, mapping.time, mapping.touchpoint, len(events)) == REAL[name]
