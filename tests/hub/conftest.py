"""How Hypothesis runs here: no deadline, since a busy machine is no bug."""

from hypothesis import settings

settings.register_profile("hub", deadline=None)
settings.load_profile("hub")
