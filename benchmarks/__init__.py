"""How fast the hub is, against a floor measured in the same run. Run by ``make bench``."""
