"""Store: control tables in SQLite, events in an open Delta lake."""
