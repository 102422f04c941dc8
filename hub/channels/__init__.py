"""What the hub records of the outside: accounts, listings, offers, webhooks, flows."""
