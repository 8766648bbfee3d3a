"""Acting on what was found: tasks for departments."""
