"""The carriers: workers and the clock, the only code that sees both the hub and the channels."""
