"""A file without a mapping is understood by its names and values, and what was guessed is said."""

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from etappe.collect.files import header, read
from etappe.collect.guess import Sample, guess, guess_mapping, sentences
from etappe.collect.mapping import AttributeMapping, MoneyField, TextField, TimeField, mapping_toml, read_mapping
from etappe.collect.refusals import refusals_csv
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


@pytest.mark.parametrize(("delimiter", "amounts", "hint"), [
    (",", ["1,234", "12,345", "2,500"], 'decimal = "." and thousands = "," for 1234, or with decimal = "," for 1,234'),
    (";", ["1.234", "12.500"], 'decimal = "," and thousands = "." for 1234, or with decimal = "." for 1.234'),
    (";", ["1.234 €", "12.500 €"], 'decimal = "," and thousands = "." for 1234, or with decimal = "." for 1.234'),
])  # fmt: skip
def test_a_factor_of_a_thousand_is_never_guessed(tmp_path, delimiter, amounts, hint):
    rows = [["user", "date", "amount"], *(["1", "2026-01-01", f'"{amount}"'] for amount in amounts)]
    with pytest.raises(BadMapping, match="no other amount tells") as error:
        guessed(tmp_path, "".join(delimiter.join(row) + "\n" for row in rows))
    assert "'amount'" in error.value.what
    assert hint in error.value.hint


@pytest.mark.parametrize(("amounts", "result", "said"), [
    (["99.50", "1,234.50", "1,234"], [995_000, 12_345_000, 12_340_000], "with . as decimal and , as thousands mark"),
    (["1.234,50", "2.000", "7"], [12_345_000, 20_000_000, 70_000], "with , as decimal and . as thousands mark"),
    (["1.234,50 €", "12,00 €"], [12_345_000, 120_000], "The currency stands beside the amounts (€): EUR."),
    (["$1,234.50", "$2.00"], [12_345_000, 20_000], "The currency stands beside the amounts ($): USD."),
    (["1 234,50", "2,5"], [12_345_000, 25_000], "The value is column amount, by its name."),
    (["1'234.50", "2 345.00"], [12_345_000, 23_450_000], "The value is column amount, by its name."),
])  # fmt: skip
def test_amounts_that_other_amounts_settle_are_read_and_said(tmp_path, amounts, result, said):
    found = guessed(tmp_path, "user;date;amount\n" + "".join(f"1;2026-01-01;{amount}\n" for amount in amounts))
    assert any(said in sentence for sentence in found.sentences)
    chunk = next(read([tmp_path / "a.csv"], read_mapping(mapping_toml(found.mapping))))
    assert ([e["value"] for e in chunk.events.to_pylist()], chunk.refused) == (result, [])


def test_an_amount_that_cannot_be_read_is_told_and_is_no_property(tmp_path):
    found = guessed(tmp_path, "user,date,amount,kind\n1,2026-01-01,12 apples,a\n1,2026-01-02,about 3,a\n")
    assert (found.mapping.value, found.mapping.properties) == (None, ["kind"])
    assert any("amount looks like the value, but “12 apples”" in sentence for sentence in found.sentences)


def test_a_column_of_money_is_the_value_whatever_its_name(tmp_path):
    found = guessed(tmp_path, "user;date;Bon\n1;2026-01-01;3,50 €\n1;2026-01-02;4,00 €\n")
    assert found.mapping.value == MoneyField(column="Bon", currency="EUR")


def test_numbers_of_a_typed_column_are_as_they_are(tmp_path):
    table = pa.table({"user": ["1"], "date": ["2026-01-01"], "amount": [1.234]})
    pq.write_table(table, tmp_path / "a.parquet")
    found = guess(tmp_path / "a.parquet")
    assert next(read([tmp_path / "a.parquet"], found.mapping)).events["value"].to_pylist() == [12_340]


def test_an_export_of_refused_rows_needs_its_mapping(tmp_path):
    with pytest.raises(BadMapping, match="refused rows that Etappe exported") as error:
        guessed(tmp_path, "user_id,age,etappe_line,etappe_column,etappe_reason\n1,7,2,,x\n2,8,3,,x\n")
    assert "mapping of the import" in error.value.hint
    header = ["user_id", "time", "etappe_line", "etappe_column", "etappe_reason"]
    columns = [["1"], ["2026-01-01"], ["2"], ["time"], ["bad"]]
    assert guess_mapping(Sample(file="a.csv", header=header, columns=columns)).mapping.properties is None


@pytest.mark.parametrize(("name", "times"), [
    ("datum", ["1.3.26", "12.3.26"]), ("date", ["31-Jul-18", "1-Aug-18"]), ("Datum", ["1. März 2026", "2. Mai 2026"]),
])  # fmt: skip
def test_short_and_named_dates_make_events(tmp_path, name, times):
    found = guessed(tmp_path, f"kunde;{name};ereignis\n" + "".join(f"{i};{t};Kauf\n" for i, t in enumerate(times)))
    assert found.mapping.time == name
    assert len(next(read([tmp_path / "a.csv"], found.mapping)).events) == 2


@pytest.mark.parametrize(("name", "text"), [
    ("datum", "KW 12"), ("date", "soon"), ("created_at", "12th of May"), ("Bestelldatum", "45352"), ("zeit", "gestern"),
    ("when", "2026.13.45"),
])  # fmt: skip
def test_a_time_that_cannot_be_read_is_an_error_that_shows_it(tmp_path, name, text):
    with pytest.raises(BadMapping) as error:
        guessed(tmp_path, f"customer_id,{name},age\n1,{text},7\n2,{text},8\n")
    assert name in error.value.what
    assert text in error.value.what
    assert f'time = {{ column = "{name}", format = "%d.%m.%Y %H:%M" }}' in error.value.hint


def test_a_column_named_like_a_time_is_one_where_most_of_it_is_read(tmp_path):
    found = guessed(tmp_path, "kunde;datum;ereignis\n1;01.03.2026;a\n2;2026-03-02;a\n3;03.03.2026;a\n")
    chunk = next(read([tmp_path / "a.csv"], found.mapping))
    assert (len(chunk.events), [r.code for r in chunk.refused]) == (2, ["other-time-format"])
    with pytest.raises(BadMapping, match="'datum' looks like the time, but 'soon'"):
        guessed(tmp_path, "kunde;datum;ereignis\n1;01.03.2026;a\n2;soon;a\n3;later;a\n")


@pytest.mark.parametrize("header", ["lifetime", "response_time", "Geburtsdatum", "birth_date", "candidate"])
def test_what_only_sounds_like_a_time_makes_no_events(tmp_path, header):
    days = "1990-01-01" if "irth" in header or "Geburt" in header else "12"
    found = guessed(tmp_path, f"customer_id,{header},age\n1,{days},7\n2,{days},8\n")
    assert found.mapping.attributes is not None
    assert "birth_date" not in found.mapping.attributes.columns


@pytest.mark.parametrize(("texts", "forms"), [
    (["1/2/2026", "3/4/2026"], ["%d/%m/%Y", "%m/%d/%Y"]), (["1/2/26 10:00"], ["%d/%m/%y %H:%M", "%m/%d/%y %H:%M"]),
    (["01-02-2026"], ["%d-%m-%Y", "%m-%d-%Y"]), (["01-02-03"], ["%d-%m-%y", "%m-%d-%y", "%y-%m-%d"]),
    (["1/2/2026 3:04 PM"], ["%d/%m/%Y %I:%M %p", "%m/%d/%Y %I:%M %p"]),
])  # fmt: skip
def test_a_day_that_could_be_two_is_asked_for(tmp_path, texts, forms):
    with pytest.raises(BadMapping, match=r"could be 20\d\d-\d\d-\d\d or 20") as error:
        guessed(tmp_path, "user_id,date,event\n" + "".join(f"1,{text},a\n" for text in texts))
    assert [form in error.value.hint for form in forms] == [True] * len(forms)


@pytest.mark.parametrize(("texts", "form", "proof"), [
    (["1/2/2026", "13/2/2026"], "%d/%m/%Y", "13/2/2026"), (["1/2/2026", "2/13/2026"], "%m/%d/%Y", "2/13/2026"),
    (["1/2/26 1:05", "2/13/26 1:06"], "%m/%d/%y %H:%M", "2/13/26 1:06"),
])  # fmt: skip
def test_one_day_decides_and_is_said(tmp_path, texts, form, proof):
    found = guessed(tmp_path, "user_id,date,event\n" + "".join(f"1,{text},a\n" for text in texts))
    assert found.mapping.time == TimeField(column="date", format=form)
    assert f"Times are read as {form}: “{proof}” is a day only in this way." in found.sentences


def test_personal_columns_are_told_by_whole_words_and_by_content(tmp_path):
    columns = {
        "OPTIN_IP": "10.0.0.1", "Deal owner": "Eva", "Deal Name": "Kiosk", "Telefonnummer": "0731 123456",
        "Shipping City": "Ulm", "PhoneService": "Yes", "PaperlessBilling": "No", "Shipping": "4.90",
        "Shipping Method": "Express", "device": "app",
    }  # fmt: skip
    header, row = ",".join(columns), ",".join(columns.values())
    found = guessed(tmp_path, f"user_id,time,event,{header}\n1,2026-01-01,a,{row}\n")
    assert found.mapping.properties == ["PhoneService", "PaperlessBilling", "Shipping", "Shipping Method", "device"]


def test_the_customer_is_a_column_that_is_filled(tmp_path):
    rows = "".join(f",k{i},2026-01-01,a\n" for i in range(9))
    found = guessed(tmp_path, f"customer_id,kunde,date,event\nx,k9,2026-01-01,a\n{rows}")
    assert found.mapping.customer == "kunde"
    assert "Column customer_id is named like the customer too, but is empty in 9 of 10 rows." in found.sentences
    found = guessed(tmp_path, f"Email,Id,date,event\nx@y.z,k9,2026-01-01,a\n{rows}")
    assert found.mapping.customer == "Email"
    assert any(sentence.startswith("Column Email is empty in 9 of 10 rows") for sentence in found.sentences)


@pytest.mark.parametrize(("day", "clock", "form"), [
    ("01.03.2026", "9:05", None), ("2026-03-01", "09:05:00", None), ("13/3/2026", "09:05", "%d/%m/%Y %H:%M"),
])  # fmt: skip
def test_a_time_of_day_beside_the_day_is_used_and_said(tmp_path, day, clock, form):
    found = guessed(tmp_path, f"kunde;datum;uhrzeit;ereignis\n1;{day};{clock};Kauf\n1;{day};;Kauf\n")
    assert found.mapping.time == TimeField(column="datum", clock="uhrzeit", format=form)
    assert "The time of day is column uhrzeit." in found.sentences
    mapping = read_mapping(mapping_toml(found.mapping))
    chunk = next(read([tmp_path / "a.csv"], mapping))
    times = [us // 60_000_000 % 1440 for us in chunk.events["time_us"].to_pylist()]
    assert times == ([545] if form else [545, 0])


def test_an_income_is_no_purchase(tmp_path):
    found = guessed(tmp_path, "user_id,date,event,declared_monthly_revenue\n1,2026-01-01,a,5.0\n")
    assert (found.mapping.value, found.mapping.properties) == (None, ["declared_monthly_revenue"])


@pytest.mark.parametrize("titles", ["Bericht\nMai 2026\n\n", "Bericht;;\nVon;01.01.2026;\n", '"Zwei\nZeilen"\n'])
def test_a_header_under_title_lines_is_found_and_said(tmp_path, titles):
    found = guessed(tmp_path, titles + "kunde;datum;ereignis\n1;01.01.2026;Kauf\n2;02.01.2026;Kauf\n")
    assert found.mapping.skip == titles.count("\n")
    line = found.mapping.skip + 1
    assert found.sentences[0].startswith(f"The header is line {line}; the {line - 1} lines before it are skipped")
    chunk = next(read([tmp_path / "a.csv"], read_mapping(mapping_toml(found.mapping))))
    assert (len(chunk.events), chunk.refused) == (2, [])


def test_a_header_under_the_title_of_a_sheet_is_found(tmp_path):
    book = openpyxl.Workbook()
    rows = (["Bericht Mai"], [], ["kunde", "datum", "ereignis"], [1, "01.01.2026", "Kauf"], [2, "02.01.2026", "Kauf"])
    for row in rows:
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    found = guess(tmp_path / "a.xlsx")
    assert (found.mapping.skip, found.mapping.time) == (2, "datum")
    assert len(next(read([tmp_path / "a.xlsx"], found.mapping)).events) == 2


def test_refused_rows_come_back_by_the_guessed_mapping(tmp_path):
    rows = ["1;01.03.2026;Kauf;1.234,50 €", "2;30.02.2026;Kauf;2.000 €", "3;03.03.2026;Kauf;6,00 €"]
    text = "\n".join(["kunde;datum;ereignis;betrag", *rows, ""])
    mapping = guessed(tmp_path, text).mapping
    refused = next(read([tmp_path / "a.csv"], mapping)).refused
    content = refusals_csv(refused, header([tmp_path / "a.csv"], mapping), mapping)
    assert content.startswith("\ufeffkunde;datum;".encode())
    (tmp_path / "b.csv").write_bytes(content.replace(b"30.02", b"28.02"))
    (event,) = next(read([tmp_path / "b.csv"], mapping)).events.to_pylist()
    assert (event["customer"], event["value"], event["currency"]) == ("2", 20_000_000, "EUR")


def test_a_table_of_customers_without_events_is_told_what_it_needs(tmp_path):
    with pytest.raises(BadMapping, match="no column looks like the time") as error:
        guessed(tmp_path, "customer_id,plan\n" + "".join(f"{i},a\n" for i in (1, 2, 3, 4, 5, 6, 7, 8, 9, 9)))
    assert read_mapping(error.value.hint.partition("\n\n")[2]).attributes == AttributeMapping(
        customer="customer_id", columns=["plan"]
    )
    found = guessed(tmp_path, "customer_id,signup_date,plan\n1,2026-01-01,a\n2,2026-01-02,a\n", name="members.csv")
    told = next(s for s in found.sentences if s.startswith("Each customer stands in the file once."))
    assert read_mapping(told.partition("\n\n")[2]).attributes.customer == "customer_id"


def test_the_mapping_names_a_delimiter_that_is_no_comma(tmp_path):
    assert guessed(tmp_path, "kunde;datum;ereignis\n1;01.01.2026;Kauf\n").mapping.delimiter == ";"
    assert guessed(tmp_path, "kunde,datum,ereignis\n1,01.01.2026,Kauf\n").mapping.delimiter is None


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
