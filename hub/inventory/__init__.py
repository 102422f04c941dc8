"""What there is, where it is, and who has a claim to it. Stock changes only here, only by moves."""
