"""Journeys: each subject's touchpoints in time, in columns."""
