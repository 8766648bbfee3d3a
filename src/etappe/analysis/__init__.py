"""Analysis: each question is a struct, each answer one Arrow table with its base, its date and its cautions."""
