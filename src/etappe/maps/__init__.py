"""Maps: documents of stages, steps and lanes whose cells are bound to measured evidence."""
