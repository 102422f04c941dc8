"""What does not agree: typed records with evidence, one open per kind and subject."""
