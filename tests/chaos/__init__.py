"""Chaos: the processes of a whole installation are struck at random, in rounds, by a seed."""
