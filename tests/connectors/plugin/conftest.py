"""The package is an author's own: its tests run where it is installed, not here."""

collect_ignore = ["barrow-channel"]
