"""What support may do about a conflict: actions with a preview, taken once, with who and why."""
